"""A whole sequence of all samples in one launch of Triton: the states forwards, all derivatives backwards.

A program takes a block of samples, one after another. Matrices of up to 64 neurons stay in registers
(``N`` > 0); larger ones are tables of synapses that are read again in every step (``N`` = 0). Nothing here
knows a solver: its own ``kernel`` form comes in as STEP and BACK.

Names in capitals are pointers or constants of the compiler. b: a sample, t: an input, k: a part of it,
s = t K + k; row s of STATES is the state before this part, row s of BYS the derivatives by g and h in it.
"""

import triton
import triton.language as tl

from .triton_gates import add_where, at_gates, conductances, pulled, sums

COUNTS = ["dt_stride", "B", "T", "K", "m", "block"]  # another number is no reason to compile anew


@triton.jit(do_not_specialize=COUNTS)
def forward(
    U,
    X0,
    DT,
    dt_stride,
    NEURONS,
    DENSE,
    INTO,
    INTO_OTHER,
    INTO_size,
    INTO_slots,
    INTO_IN,
    INTO_IN_OTHER,
    INTO_IN_size,
    INTO_IN_slots,
    DRIVE,
    STATES,
    X,
    B,
    T,
    K,
    n,
    m,
    block,
    STEP: tl.constexpr,
    AHEAD: tl.constexpr,
    KEEP: tl.constexpr,
    N: tl.constexpr,
    R: tl.constexpr,
    F: tl.constexpr,
):
    """X (B, T, n) from U (B, T, m), X0 (B, n) and DT; KEEP: all states go to STATES (B, T K + 1, n).

    DRIVE (B, T, 2, n) gets what stands still while an input is held: g and h of leak and sensory synapses.
    Without KEEP a table's STATES are (programs, K + 1, n), the rows of one input.
    """
    program = tl.program_id(0).to(tl.int64)
    first, last = program * block, min((program + 1) * block, B)
    for b in range(first, last):
        for t in range(T):
            for r0 in range(0, n, R):
                r = r0 + tl.arange(0, R)
                g, h = conductances(
                    U + (b * T + t) * m,
                    0,
                    m,
                    INTO_IN,
                    INTO_IN_OTHER,
                    INTO_IN_size,
                    INTO_IN_slots,
                    r,
                    R,
                    F,
                    False,
                )
                g_leak = tl.load(NEURONS + n + r, mask=r < n)
                e_leak = tl.load(NEURONS + 2 * n + r, mask=r < n)
                tl.store(DRIVE + (b * T + t) * 2 * n + r, g_leak + g, mask=r < n)
                tl.store(DRIVE + ((b * T + t) * 2 + 1) * n + r, g_leak * e_leak + h, mask=r < n)
    tl.debug_barrier()
    for b in range(first, last):
        if N > 0:
            i = tl.arange(0, N)
            at = i[:, None] * N + i[None, :]
            w, gamma = tl.load(DENSE + at), tl.load(DENSE + N * N + at)
            mu, we = tl.load(DENSE + 2 * N * N + at), w * tl.load(DENSE + 3 * N * N + at)
            c = tl.load(NEURONS + i, mask=i < n, other=1)
            x = tl.load(X0 + b * n + i, mask=i < n, other=0)
            before = x
            if KEEP:
                tl.store(STATES + b * (T * K + 1) * n + i, x, mask=i < n)
            for s in range(T * K):
                row, k = b * T + s // K, s % K
                seen = x
                if AHEAD:
                    before = tl.where(k == 0, x, before)
                    seen = x * 1.5 - before * 0.5
                    before = x
                gate = tl.sigmoid(gamma * (seen[None, :] - mu))
                g = tl.load(DRIVE + row * 2 * n + i, mask=i < n, other=1) + tl.sum(w * gate, 1)
                h = tl.load(DRIVE + (row * 2 + 1) * n + i, mask=i < n, other=0) + tl.sum(we * gate, 1)
                x, _ = STEP(x, g, h, tl.load(DT + b * dt_stride + s // K) / K / c)
                if KEEP:
                    tl.store(STATES + (b * (T * K + 1) + s + 1) * n + i, x, mask=i < n)
                tl.store(X + row * n + i, x, mask=i < tl.where(k == K - 1, n, 0))
        else:
            rows = STATES + (b * (T * K + 1) if KEEP else program * (K + 1)) * n
            for r0 in range(0, n, R):
                r = r0 + tl.arange(0, R)
                tl.store(rows + r, tl.load(X0 + b * n + r, mask=r < n), mask=r < n)
            tl.debug_barrier()
            for t in range(T):
                for k in range(K):
                    row = rows + (t * K + k if KEEP else k) * n
                    for r0 in range(0, n, R):
                        r = r0 + tl.arange(0, R)
                        g, h = conductances(
                            row, k, n, INTO, INTO_OTHER, INTO_size, INTO_slots, r, R, F, AHEAD
                        )
                        g += tl.load(DRIVE + (b * T + t) * 2 * n + r, mask=r < n, other=1)
                        h += tl.load(DRIVE + ((b * T + t) * 2 + 1) * n + r, mask=r < n, other=0)
                        c = tl.load(NEURONS + r, mask=r < n, other=1)
                        x = tl.load(row + r, mask=r < n, other=0)
                        x, _ = STEP(x, g, h, tl.load(DT + b * dt_stride + t) / K / c)
                        tl.store(row + n + r, x, mask=r < n)
                        tl.store(X + (b * T + t) * n + r, x, mask=r < tl.where(k == K - 1, n, 0))
                    tl.debug_barrier()  # the next part reads what others have written
                if not KEEP:
                    for r0 in range(0, n, R):
                        r = r0 + tl.arange(0, R)
                        tl.store(rows + r, tl.load(rows + K * n + r, mask=r < n), mask=r < n)
                    tl.debug_barrier()


@triton.jit(do_not_specialize=COUNTS)
def backward(
    BY_X,
    U,
    DT,
    dt_stride,
    NEURONS,
    DENSE,
    INTO,
    INTO_OTHER,
    INTO_size,
    INTO_slots,
    FROM,
    FROM_OTHER,
    FROM_size,
    FROM_slots,
    INTO_IN,
    INTO_IN_OTHER,
    INTO_IN_size,
    INTO_IN_slots,
    FROM_IN,
    FROM_IN_OTHER,
    FROM_IN_size,
    FROM_IN_slots,
    DRIVE,
    STATES,
    BYS,
    BYS_IN,
    WORK,
    BY_U,
    BY_X0,
    TOTALS,
    B,
    T,
    K,
    n,
    m,
    block,
    STEP: tl.constexpr,
    BACK: tl.constexpr,
    AHEAD: tl.constexpr,
    N: tl.constexpr,
    R: tl.constexpr,
    F: tl.constexpr,
):
    """From BY_X (B, T, n): BY_U, BY_X0, and the derivatives by all parameters, TOTALS of each program.

    First backwards through time, along the states that ``forward`` kept; gates are computed again. BYS
    (B, T K, 2, n) gets the derivatives by g and h, BYS_IN (B, T, 2, n) their sums over each input; with them
    nothing else depends on the order of time. TOTALS (programs, 3 n + 4 INTO_size + 4 INTO_IN_size), float64,
    zeros: by c, g_leak and e_leak, then by w, gamma, mu and e_rev of the tables. WORK (programs, 2, n): for
    tables the derivative by the state, and its share that the part before gets.
    """
    program = tl.program_id(0).to(tl.int64)
    first, last = program * block, min((program + 1) * block, B)
    TOTALS += program * (3 * n + 4 * INTO_size + 4 * INTO_IN_size)
    WORK += program * 2 * n
    for b in range(first, last):
        rows = STATES + b * (T * K + 1) * n
        if N > 0:
            i = tl.arange(0, N)
            at = i[:, None] * N + i[None, :]
            w, gamma = tl.load(DENSE + at), tl.load(DENSE + N * N + at)
            mu, e_rev = tl.load(DENSE + 2 * N * N + at), tl.load(DENSE + 3 * N * N + at)
            c = tl.load(NEURONS + i, mask=i < n, other=1)
            by_x = tl.zeros([N], w.dtype)
            carry = by_x
            all_c = tl.zeros([N], tl.float64)
            for q in range(T * K):
                s = T * K - 1 - q
                row, k = b * T + s // K, s % K
                x = tl.load(rows + s * n + i, mask=i < n, other=0)
                y = tl.load(rows + (s + 1) * n + i, mask=i < n, other=0)
                seen = x
                if AHEAD:
                    seen = x * 1.5 - tl.load(rows + (s - min(k, 1)) * n + i, mask=i < n, other=0) * 0.5
                gate = tl.sigmoid(gamma * (seen[None, :] - mu))
                ws = w * gate
                g = tl.load(DRIVE + row * 2 * n + i, mask=i < n, other=1) + tl.sum(ws, 1)
                h = tl.load(DRIVE + (row * 2 + 1) * n + i, mask=i < n, other=0) + tl.sum(ws * e_rev, 1)
                by_x += tl.load(BY_X + row * n + i, mask=i < tl.where(k == K - 1, n, 0), other=0)
                rate = tl.load(DT + b * dt_stride + s // K) / K / c
                _, kept = STEP(x, g, h, rate)
                by_x, by_g, by_h, by_log_c = BACK(by_x, y, x, kept, rate)
                tl.store(BYS + (b * T * K + s) * 2 * n + i, by_g, mask=i < n)
                tl.store(BYS + ((b * T * K + s) * 2 + 1) * n + i, by_h, mask=i < n)
                all_c += by_log_c.to(tl.float64)
                pull = tl.sum(gamma * ws * (1 - gate) * (by_g[:, None] + e_rev * by_h[:, None]), 0)
                by_x += pull
                if AHEAD:  # the gates saw (3 x - before) / 2; in the first part both are x
                    share = pull * (0.5 * min(k, 1))
                    by_x += share + carry
                    carry = -share
            tl.store(BY_X0 + b * n + i, by_x, mask=i < n)
            add_where(TOTALS + i, all_c / c, i < n)
        else:
            for r0 in range(0, 2 * n, R):
                r = r0 + tl.arange(0, R)
                tl.store(WORK + r, tl.zeros([R], WORK.dtype.element_ty), mask=r < 2 * n)
            tl.debug_barrier()
            for q in range(T * K):
                s = T * K - 1 - q
                row, k = b * T + s // K, s % K
                for r0 in range(0, n, R):
                    r = r0 + tl.arange(0, R)
                    g, h = conductances(
                        rows + s * n, k, n, INTO, INTO_OTHER, INTO_size, INTO_slots, r, R, F, AHEAD
                    )
                    g += tl.load(DRIVE + row * 2 * n + r, mask=r < n, other=1)
                    h += tl.load(DRIVE + (row * 2 + 1) * n + r, mask=r < n, other=0)
                    by_y = tl.load(WORK + r, mask=r < n, other=0)
                    by_y += tl.load(BY_X + row * n + r, mask=r < tl.where(k == K - 1, n, 0), other=0)
                    x = tl.load(rows + s * n + r, mask=r < n, other=0)
                    y = tl.load(rows + (s + 1) * n + r, mask=r < n, other=0)
                    c = tl.load(NEURONS + r, mask=r < n, other=1)
                    rate = tl.load(DT + b * dt_stride + s // K) / K / c
                    _, kept = STEP(x, g, h, rate)
                    by_x, by_g, by_h, by_log_c = BACK(by_y, y, x, kept, rate)
                    tl.store(WORK + r, by_x + tl.load(WORK + n + r, mask=r < n, other=0), mask=r < n)
                    tl.store(BYS + (b * T * K + s) * 2 * n + r, by_g, mask=r < n)
                    tl.store(BYS + ((b * T * K + s) * 2 + 1) * n + r, by_h, mask=r < n)
                    add_where(TOTALS + r, by_log_c / c, r < n)
                tl.debug_barrier()
                for r0 in range(0, n, R):
                    r = r0 + tl.arange(0, R)
                    seen = at_gates(rows + s * n, tl.minimum(r, n - 1), k, n, AHEAD)
                    by = BYS + (b * T * K + s) * 2 * n
                    pull = pulled(seen, by, n, FROM, FROM_OTHER, FROM_size, FROM_slots, r, R, F)
                    by_x = tl.load(WORK + r, mask=r < n, other=0) + pull
                    if AHEAD:
                        share = pull * (0.5 * min(k, 1))
                        by_x += share
                        tl.store(WORK + n + r, -share, mask=r < n)
                    tl.store(WORK + r, by_x, mask=r < n)
                tl.debug_barrier()
            for r0 in range(0, n, R):
                r = r0 + tl.arange(0, R)
                tl.store(BY_X0 + b * n + r, tl.load(WORK + r, mask=r < n), mask=r < n)
            tl.debug_barrier()
    tl.debug_barrier()
    for b in range(first, last):
        for t in range(T):
            row = b * T + t
            for r0 in range(0, n, R):
                r = r0 + tl.arange(0, R)
                e_leak = tl.load(NEURONS + 2 * n + r, mask=r < n)
                all_g = tl.zeros([R], BYS.dtype.element_ty)
                all_h, all_leak = all_g, all_g
                for k in range(K):
                    by_g = tl.load(BYS + (row * K + k) * 2 * n + r, mask=r < n)
                    by_h = tl.load(BYS + ((row * K + k) * 2 + 1) * n + r, mask=r < n)
                    all_g += by_g
                    all_h += by_h
                    all_leak += by_g + e_leak * by_h
                tl.store(BYS_IN + row * 2 * n + r, all_g, mask=r < n)
                tl.store(BYS_IN + (row * 2 + 1) * n + r, all_h, mask=r < n)
                add_where(TOTALS + n + r, all_leak, r < n)
                add_where(TOTALS + 2 * n + r, tl.load(NEURONS + n + r, mask=r < n) * all_h, r < n)
    tl.debug_barrier()
    TOTALS += 3 * n
    rows = (T * K + 1) * n
    sums(
        STATES,
        rows,
        n,
        BYS,
        TOTALS,
        INTO,
        INTO_OTHER,
        INTO_size,
        INTO_slots,
        first,
        last,
        T * K,
        K,
        n,
        R,
        F,
        AHEAD,
    )
    TOTALS += 4 * INTO_size
    sums(
        U,
        T * m,
        m,
        BYS_IN,
        TOTALS,
        INTO_IN,
        INTO_IN_OTHER,
        INTO_IN_size,
        INTO_IN_slots,
        first,
        last,
        T,
        1,
        n,
        R,
        F,
        False,
    )
    for b in range(first, last):
        for t in range(T):
            for r0 in range(0, m, R):
                r = r0 + tl.arange(0, R)
                u = tl.load(U + (b * T + t) * m + r, mask=r < m, other=0)
                by = BYS_IN + (b * T + t) * 2 * n
                pull = pulled(u, by, n, FROM_IN, FROM_IN_OTHER, FROM_IN_size, FROM_IN_slots, r, R, F)
                tl.store(BY_U + (b * T + t) * m + r, pull, mask=r < m)
