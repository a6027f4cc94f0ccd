"""How fast the book's networks are, and beside what: ``make bench``, or ``python -m benchmarks --help``.

``workloads`` says which networks, ``peers`` who runs them, ``measure`` how time, memory and agreement are
taken, ``studies`` what is measured, ``table`` prints it. ``limit`` says how near the kernels come to the
fastest that is possible, ``windows`` is one long sequence in windows against the same in order,
``peers_race`` is the race with what is optional, ``peers_jax`` the network in JAX. The answer lies in
``results.json``, with its machine and its date.
"""
