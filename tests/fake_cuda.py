"""A GPU that is not there: tensors that say "cuda:0", hold their numbers on the CPU, and keep a GPU's rules.

Every operation runs, on the CPU. It refuses to mix devices as torch does: beside a tensor of the GPU a
tensor of the CPU must have no axes, be the index of an indexing, or be copied. Random numbers, streams and
kernels are not imitated.

>>> with GPU():
...     x = torch.ones(3, device="cuda")
...     (x + torch.ones(3).cuda()).cpu()
tensor([2., 2., 2.])
"""

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

CUDA = torch.device("cuda:0")
aten = torch.ops.aten
COPIES = (aten.copy_.default, aten._to_copy.default)
INDEXED = (aten.index.Tensor, aten.index_put.default, aten.index_put_.default, aten._index_put_impl_.default)


class Far(torch.Tensor):
    """A tensor of the pretended GPU. here: its numbers, on the CPU.

    For torch's own C++ it lies on "meta": there autograd needs no driver. For Python it lies on "cuda:0".
    """

    device, is_cuda, is_cpu, is_meta = (property(lambda self, v=v: v) for v in (CUDA, True, False, False))
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, here):
        layout = {"strides": here.stride(), "storage_offset": here.storage_offset(), "dtype": here.dtype}
        return torch.Tensor._make_wrapper_subclass(cls, here.shape, device="meta", **layout)

    def __init__(self, here):
        self.here = here

    def __repr__(self):
        return f"Far({self.here})"

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return compute(func, args, kwargs or {})


class GPU(TorchDispatchMode):
    """While it is active, ``device="cuda"``, ``.to("cuda")`` and ``.cuda()`` give its tensors."""

    def __enter__(self):
        self.names, self.begin = Names(), torch.cuda._lazy_init
        if not torch.cuda.is_available():
            torch.cuda._lazy_init = lambda: None
        torch._C._set_only_lift_cpu_tensors(True)  # torch.tensor(..., device="cuda") comes from the CPU, too
        torch.__future__.set_swap_module_params_on_conversion(True)  # a moved parameter stays the same object
        self.names.__enter__()
        return super().__enter__()

    def __exit__(self, *error):
        super().__exit__(*error)
        self.names.__exit__(*error)
        torch.__future__.set_swap_module_params_on_conversion(False)
        torch._C._set_only_lift_cpu_tensors(False)
        torch.cuda._lazy_init = self.begin

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return compute(func, args, kwargs or {})


METHODS = {  # those that never ask a tensor's class
    torch.Tensor.cuda: lambda x, device=None: x.to(CUDA),
    torch.Tensor.tolist: lambda x: x.cpu().tolist(),
    torch.Tensor.new_tensor: lambda x, data: torch.tensor(data, dtype=x.dtype, device=x.device),
}


class Names(TorchFunctionMode):
    """Makes "cuda" be "cuda:0": torch without CUDA cannot say which of several is meant."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        func = METHODS.get(func, func)
        named = lambda v: CUDA if isinstance(v, (str, torch.device)) and str(v) == "cuda" else v
        return func(*map(named, args), **{name: named(v) for name, v in (kwargs or {}).items()})


def compute(func, args, kwargs):
    """One operation of torch, its results on the device where a GPU leaves them; RuntimeError for mixed."""
    tensors = [t for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)]
    refuse_mixed(func, args, tensors)
    target = kwargs.get("device")
    away = any(isinstance(t, Far) for t in tensors) if target is None else target.type != "cpu"
    if target is not None:
        kwargs = kwargs | {"device": torch.device("cpu")}
    found = func(*tree_map(numbers, args), **tree_map(numbers, kwargs))
    if torch.Tag.inplace_view in func.tags:  # squeeze_ and its like
        with torch._C._DisableTorchDispatch():  # change the shape that torch sees, too
            func(*args, **kwargs)
    return tree_map(lambda t: Far(t) if away and isinstance(t, torch.Tensor) else t, found)


def refuse_mixed(func, args, tensors):
    """RuntimeError, in torch's words, where a tensor of the CPU would meet one of the GPU."""
    if func in COPIES:
        return
    if func in INDEXED and isinstance(args[0], Far):  # the index may lie on the CPU
        tensors = [args[0], *args[2:3]]
    devices = {str(t.device) for t in tensors if isinstance(t, Far) or t.ndim}
    if len(devices) > 1:
        raise RuntimeError(f"Expected all tensors to be on the same device, but {func} found {devices}!")


def numbers(value):
    """The numbers behind a tensor of the pretended GPU; anything else as it is."""
    if not isinstance(value, Far):
        return value
    same = value.shape == value.here.shape and value.dtype == value.here.dtype
    assert same, "its .data was exchanged: not imitated"
    return value.here
