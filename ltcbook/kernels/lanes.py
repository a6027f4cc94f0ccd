"""One new number for numba: ``Lanes``, a handful of numbers that the processor computes on at once (SIMD).

Inside a compiled function ``load(array, at)`` reads neighbours of a flat array, ``store`` writes them, and
``+ - * /`` act on all lanes together; a plain number beside them means the same number in every lane, in
their precision. So the formulas of ``gates`` and ``steps`` read like formulas of numbers. (numba can find
lanes in loops by itself, but from loops over rows that may overlap it made code two to three times slower.)
"""

import operator

from llvmlite import ir
from numba.core import types
from numba.core.typeconv import Conversion
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, lower_cast, models, register_model

# numbers in a row and in a column of what ``transpose`` turns at once, and lanes left of a sum over samples
SIDE = 8
# a * b + c may be rounded once instead of twice; NaN and infinity stay what they are, sums keep their order
FLAGS = ("contract", "nsz")


class Lanes(types.Type):
    """``count`` numbers of the numba type ``real`` in one vector register."""

    def __init__(self, real, count):
        self.real, self.count = real, count
        super().__init__(name=f"Lanes({real}, {count})")

    def can_convert_from(self, typingctx, other):
        if isinstance(other, (types.Float, types.Integer)):
            return Conversion.safe
        return None


@register_model(Lanes)
class LanesModel(models.PrimitiveModel):
    """In LLVM: <count x real>."""

    def __init__(self, manager, kind):
        real = manager.lookup(kind.real).get_value_type()
        super().__init__(manager, kind, ir.VectorType(real, kind.count))


@lower_cast(types.Float, Lanes)
@lower_cast(types.Integer, Lanes)
def _same_in_every_lane(context, builder, source, target, value):
    value = context.cast(builder, value, source, target.real)
    vector = context.get_value_type(target)
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.IntType(32)(0))
    return _pick(builder, first, first, [0] * target.count)


def _pick(builder, a, b, places):
    """The entries of a and b, one behind the other, that ``places`` names."""
    mask = ir.Constant(ir.VectorType(ir.IntType(32), len(places)), list(places))
    return builder.shuffle_vector(a, b, mask)


def _arithmetic(python_operator, instruction):
    @infer_global(python_operator)
    class Typing(AbstractTemplate):
        def generic(self, args, kws):
            lanes = [kind for kind in args if isinstance(kind, Lanes)]
            if lanes and len(args) == 2:
                return signature(lanes[0], lanes[0], lanes[0])
            return None

    @lower_builtin(python_operator, Lanes, Lanes)
    def lower(context, builder, sig, args):
        return getattr(builder, instruction)(*args, flags=FLAGS)


for _operator, _instruction in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
    (operator.iadd, "fadd"),
    (operator.isub, "fsub"),
):
    _arithmetic(_operator, _instruction)


def _pointer(context, builder, kind, array, at, value):
    data = context.make_array(kind)(context, builder, value=array).data
    return builder.bitcast(builder.gep(data, [at]), value.as_pointer())


def lanes_of(count):
    """The functions ``load``, ``store``, ``gather`` and ``fold`` for this many lanes."""

    @intrinsic
    def load(typingctx, array, at):
        """The lanes array[at : at + count]."""
        kind = Lanes(array.dtype, count)

        def generate(context, builder, sig, args):
            vector = context.get_value_type(kind)
            loaded = builder.load(_pointer(context, builder, array, *args, vector))
            loaded.align = array.dtype.bitwidth // 8
            return loaded

        return kind(array, types.intp), generate

    @intrinsic
    def store(typingctx, array, at, value):
        """array[at : at + count] = value."""
        kind = Lanes(array.dtype, count)

        def generate(context, builder, sig, args):
            vector = context.get_value_type(kind)
            written = builder.store(args[2], _pointer(context, builder, array, *args[:2], vector))
            written.align = array.dtype.bitwidth // 8
            return context.get_dummy_value()

        return types.void(array, types.intp, kind), generate

    @intrinsic
    def gather(typingctx, array, places, at):
        """The lanes array[places[at]], array[places[at + 1]] and so on."""
        kind = Lanes(array.dtype, count)

        def generate(context, builder, sig, args):
            array_, places_, at_ = args
            data = context.make_array(array)(context, builder, value=array_).data
            rows = context.make_array(places)(context, builder, value=places_).data
            lanes = ir.Constant(context.get_value_type(kind), ir.Undefined)
            for lane in range(count):
                place = builder.load(builder.gep(rows, [builder.add(at_, at_.type(lane))]))
                number = builder.load(builder.gep(data, [place]))
                lanes = builder.insert_element(lanes, number, ir.IntType(32)(lane))
            return lanes

        return kind(array, places, types.intp), generate

    @intrinsic
    def fold(typingctx, lanes):
        """Lanes as many or more, the upper half added to the lower one until so many are left."""
        kind = Lanes(lanes.real, count)
        return kind(lanes), lambda context, builder, sig, args: _fold(builder, args[0], count)

    return load, store, gather, fold


@intrinsic
def transpose(typingctx, source, start, step, target, to, to_step):
    """target[to + c to_step + r] = source[start + r step + c] for all r, c < ``SIDE``; two flat arrays."""

    def generate(context, builder, sig, args):
        source_, start, step, target_, to, to_step = args
        vector = ir.VectorType(context.get_value_type(source.dtype), SIDE)
        pointer = lambda kind, array, at: _pointer(context, builder, kind, array, at, vector)
        rows = []
        for _ in range(SIDE):
            rows.append(builder.load(pointer(source, source_, start)))
            rows[-1].align = source.dtype.bitwidth // 8
            start = builder.add(start, step)
        for _ in range(SIDE.bit_length() - 1):  # two rows are shuffled like two halves of a pack of cards
            halves = list(zip(rows[: SIDE // 2], rows[SIDE // 2 :], strict=True))
            ends = (0, SIDE // 2), (SIDE // 2, SIDE)
            rows = [
                _pick(builder, a, b, [place for k in range(*end) for place in (k, SIDE + k)])
                for a, b in halves
                for end in ends
            ]
        for row in rows:
            builder.store(row, pointer(target, target_, to)).align = target.dtype.bitwidth // 8
            to = builder.add(to, to_step)
        return context.get_dummy_value()

    whole = types.intp
    return types.void(source, whole, whole, target, whole, whole), generate


@intrinsic
def entry(typingctx, array, at):
    """array[at] where at >= 0 is known: in array[at] numba asks every time whether at counts from the end."""

    def generate(context, builder, sig, args):
        data = context.make_array(array)(context, builder, value=args[0]).data
        return builder.load(builder.gep(data, [args[1]]))

    return array.dtype(array, types.intp), generate


@intrinsic
def put(typingctx, array, at, value):
    """array[at] = value where at >= 0 is known."""

    def generate(context, builder, sig, args):
        data = context.make_array(array)(context, builder, value=args[0]).data
        builder.store(args[2], builder.gep(data, [args[1]]))
        return context.get_dummy_value()

    return types.void(array, types.intp, array.dtype), generate


@intrinsic
def clamp(typingctx, x, low, high):
    """x, but not below low nor above high, lane by lane; NaN stays NaN."""

    def generate(context, builder, sig, args):
        x, low, high = args
        x = builder.select(builder.fcmp_ordered("<", x, low), low, x)
        return builder.select(builder.fcmp_ordered(">", x, high), high, x)

    return x(x, x, x), generate


@intrinsic
def times_power_of_two(typingctx, p, shifted):
    """p 2**k, lane by lane, for p > 0 and a whole k that stands in the last bits of ``shifted``: they are
    added to the bits in which p keeps its exponent.
    """
    mantissa = 23 if p.real == types.float32 else 52

    def generate(context, builder, sig, args):
        whole = ir.VectorType(ir.IntType(p.real.bitwidth), p.count)
        p_, k = (builder.bitcast(lanes, whole) for lanes in args)
        k = builder.shl(k, ir.Constant(whole, [mantissa] * p.count))
        return builder.bitcast(builder.add(p_, k), args[0].type)

    return p(p, p), generate


@intrinsic
def accumulate(typingctx, sums, at, value):
    """sums[at : at + lanes] += value; ``sums`` is a flat float64 array."""

    def generate(context, builder, sig, args):
        _add_to(context, builder, sums, *args)
        return context.get_dummy_value()

    return types.void(sums, types.intp, value), generate


@intrinsic
def add_sums(typingctx, sums, at, a, b, c, d):
    """sums[at : at + 4] += the sums over the lanes of a, b, c and d; ``sums`` is a flat float64 array."""

    def generate(context, builder, sig, args):
        a, b, c, d = (_fold(builder, lanes, 8) for lanes in args[2:])
        ab, cd = (_pairs(builder, *two, (0, 4, 1, 5), (2, 6, 3, 7)) for two in ((a, b), (c, d)))
        total = _fold(builder, _pairs(builder, ab, cd, (0, 1, 4, 5), (2, 3, 6, 7)), 4)  # a b c d
        _add_to(context, builder, sums, *args[:2], total)
        return context.get_dummy_value()

    return types.void(sums, types.intp, a, a, a, a), generate


def _add_to(context, builder, kind, array, at, value):
    double = ir.VectorType(ir.DoubleType(), value.type.count)
    pointer = _pointer(context, builder, kind, array, at, double)
    old = builder.load(pointer)
    value = value if value.type == double else builder.fpext(value, double)
    written = builder.store(builder.fadd(old, value), pointer)
    old.align = written.align = 8


def _fold(builder, lanes, count):
    """The upper half added to the lower one until ``count`` lanes are left."""
    while lanes.type.count > count:
        half = lanes.type.count // 2
        low, high = (_pick(builder, lanes, lanes, range(start, start + half)) for start in (0, half))
        lanes = builder.fadd(low, high, flags=FLAGS)
    return lanes


def _pairs(builder, a, b, *picks):
    """The sum of two picks, each of four out of every four neighbours of a (0 to 3) and of b (4 to 7)."""
    count = a.type.count
    picks = [
        [first + p % 4 + count * (p > 3) for first in range(0, count, 4) for p in pick] for pick in picks
    ]
    return builder.fadd(*(_pick(builder, a, b, places) for places in picks), flags=FLAGS)
