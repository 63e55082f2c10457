"""exp, log, log1p, expm1 and tanh as LLVM assembly, of one lane or several: the same bits on every processor.

The C library chooses by processor among variants that differ in the last bit, and takes one lane at a time. Here every
operation is written out, the fused ones as such, and LLVM rounds each as IEEE 754 says. Errors, in units in the last
place: log and log1p 0.9, exp 1.05, expm1 2.1, tanh 3; tests/inference/engine/test_elementary_functions.py holds them.

e^x = 2^n (1 + q), x = n ln 2 + r, |r| ≤ ln 2 / 2: q = r + r² P(r). ln x = k ln 2 + ln(1 + f), √½ ≤ 1 + f < √2, by
s = f/(2 + f): ln(1 + f) = f − f²/2 + s (f²/2 + s² R(s²)) (Tang, ACM Trans. Math. Softw. 15 (1989) 144; 16 (1990) 378).
P and R are minimax polynomials of our own (Remez), with relative errors of e^x and ln x below 7e-19 and 2e-18.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .instructions import OWN, Code

_P = ("0x1.0000000000000p-1", "0x1.555555555555cp-3", "0x1.555555555555ep-5", "0x1.111111110eb6ep-7",
      "0x1.6c16c16c134f9p-10", "0x1.a01a01b3d64d4p-13", "0x1.a01a01b47be7ep-16", "0x1.71ddef4ed9f8ep-19",
      "0x1.27e4bee73c72ap-22", "0x1.af6d46c170b3ap-26", "0x1.1f9e574fdb0ccp-29")  # fmt: skip
_R = ("0x1.5555555555593p-1", "0x1.999999997fb2dp-2", "0x1.2492494217d3ap-2", "0x1.c71c51e7d522ep-3",
      "0x1.74664632c62f4p-3", "0x1.39a0f46e6dd9bp-3", "0x1.2f0d941a804e8p-3")  # fmt: skip
_LOG2_E, _LN2_HIGH, _LN2_LOW = "0x1.71547652b82fep+0", "0x1.62e42feep-1", "0x1.a39ef35793c76p-33"
"""1/ln 2, and ln 2 as a sum, of which the first has 21 zeros at its end: n times it is exact."""
_ROUND = float.fromhex("0x1.8p52")
"""Added to a small number it leaves the nearest whole one in the lowest bits."""
_ONE, _MANTISSA, _ROOT_HALF = 0x3FF0000000000000, 0x000FFFFFFFFFFFFF, 0x3FE6A09E00000000
"""Bits: of 1.0; of a mantissa; of √½ (its upper half)."""


class _Function:
    """Arithmetic on values of a `Code`."""

    def __init__(self, code: Code) -> None:
        self.code = code

    def number(self, value: str | float) -> str:
        return self.code.literal(float.fromhex(value) if isinstance(value, str) else value)

    def do(self, operation: str, a: str, b: str) -> str:
        return self.code.new(f"{operation} {self.code.number} {a}, {b}")

    def whole(self, operation: str, a: str, b: int) -> str:
        return self.code.new(f"{operation} {self.code.whole} {a}, {self.code.whole_literal(b)}")

    def fused(self, a: str, b: str, c: str) -> str:
        """a·b + c, rounded once."""
        return self.code.intrinsic("FMA", [a, b, c])

    def negative(self, a: str) -> str:
        return self.code.new(f"fneg {self.code.number} {a}")

    def where(self, comparison: str, a: str, b: str, yes: str, no: str) -> str:
        return self.code.select(self.code.new(f"fcmp {comparison} {self.code.number} {a}, {b}"), yes, no)

    def bits(self, a: str) -> str:
        return self.code.new(f"bitcast {self.code.number} {a} to {self.code.whole}")

    def of_bits(self, a: str) -> str:
        return self.code.new(f"bitcast {self.code.whole} {a} to {self.code.number}")

    def polynomial(self, x: str, coefficients: tuple[str, ...]) -> str:
        """By pairs, then pairs of pairs (Estrin): a third of the latency of Horner's rule."""
        terms = [self.number(c) for c in coefficients]
        while len(terms) > 1:
            pairs = [self.fused(high, x, low) for low, high in zip(terms[::2], terms[1::2], strict=False)]
            terms = [*pairs, *terms[len(pairs) * 2 :]]
            x = self.do("fmul", x, x)
        return terms[0]

    def power(self, shifted: str) -> str:
        """2^m where `shifted` is m + _ROUND."""
        return self.of_bits(self.whole("add", self.whole("shl", self.bits(shifted), 52), _ONE))

    def exponential_parts(self, x: str) -> tuple[str, str, str, str]:
        """q, a, b, 1/b: e^x = (1 + q) a b; a and b are powers of two, so that overflow and underflow are gradual."""
        x = self.where("ogt", x, self.number(710.0), self.number(710.0), x)
        x = self.where("olt", x, self.number(-746.0), self.number(-746.0), x)
        big = self.number(_ROUND)
        n = self.do("fsub", self.fused(x, self.number(_LOG2_E), big), big)
        minus = self.negative(n)
        r = self.fused(minus, self.number(_LN2_LOW), self.fused(minus, self.number(_LN2_HIGH), x))
        q = self.fused(self.do("fmul", r, r), self.polynomial(r, _P), r)
        half = self.fused(n, self.number(0.5), big)
        rest = self.do("fsub", n, self.do("fsub", half, big))
        b, inverse = self.power(self.do("fadd", rest, big)), self.power(self.do("fsub", big, rest))
        return q, self.power(half), b, inverse

    def exp(self, x: str) -> str:
        q, a, b, _ = self.exponential_parts(x)
        return self.do("fmul", self.fused(q, a, a), b)

    def expm1(self, x: str) -> str:
        q, a, b, inverse = self.exponential_parts(x)
        return self.do("fmul", self.fused(q, a, self.do("fsub", a, inverse)), b)

    def tanh(self, x: str) -> str:
        size = self.code.intrinsic("FABS", [x])
        less = self.expm1(self.do("fmul", size, self.number(-2.0)))
        result = self.do("fdiv", less, self.do("fadd", less, self.number(2.0)))
        return self.code.intrinsic("COPYSIGN", [result, x])

    def logarithm(self, u: str, rest: str | None, k: str) -> str:
        """ln(u + rest) + k ln 2, for a small `rest`."""
        bits = self.whole("add", self.bits(u), _ONE - _ROOT_HALF)
        exponent = self.whole("or", self.whole("lshr", bits, 52), 0x4330000000000000)  # the bits of 2⁵²
        k = self.do("fadd", self.do("fsub", self.of_bits(exponent), self.number(2.0**52 + 1023)), k)
        fraction = self.of_bits(self.whole("add", self.whole("and", bits, _MANTISSA), _ROOT_HALF))
        f = self.do("fsub", fraction, self.number(1.0))
        s = self.do("fdiv", f, self.do("fadd", f, self.number(2.0)))
        z = self.do("fmul", s, s)
        square = self.do("fmul", self.do("fmul", f, self.number(0.5)), f)
        low = self.do("fmul", k, self.number(_LN2_LOW))
        low = low if rest is None else self.do("fadd", low, rest)
        low = self.fused(s, self.fused(z, self.polynomial(z, _R), square), low)
        result = self.fused(k, self.number(_LN2_HIGH), self.do("fsub", f, self.do("fsub", square, low)))
        infinite = self.number(float("inf"))
        special = self.where("olt", u, self.number(0.0), self.number(float("nan")), u)
        special = self.where("oeq", u, self.number(0.0), self.number(float("-inf")), special)
        result = self.where("ogt", u, self.number(0.0), result, special)
        return self.where("olt", u, infinite, result, special)

    def log(self, x: str) -> str:
        normal = self.number(float.fromhex("0x1p-1022"))
        u = self.where("olt", x, normal, self.do("fmul", x, self.number(2.0**54)), x)
        k = self.where("olt", x, normal, self.number(-54.0), self.number(0.0))
        return self.logarithm(u, None, k)

    def log1p(self, x: str) -> str:
        one = self.number(1.0)
        u = self.do("fadd", x, one)
        lost = self.where("oge", x, one, self.do("fsub", one, self.do("fsub", u, x)),
                          self.do("fsub", x, self.do("fsub", u, one)))  # fmt: skip
        return self.logarithm(u, self.do("fdiv", lost, u), self.number(0.0))


def definitions(width: int) -> str:
    """Functions of one lane and of `width`, named as `Code.own` says."""
    return "\n".join(line for lanes in (1, width) for name in OWN for line in _definition(name, lanes))


def _definition(name: str, lanes: int) -> Iterator[str]:
    code = Code(lanes)
    function: Callable[[str], str] = getattr(_Function(code), name)
    result = function("%x")
    yield f"define internal {code.number} @{code.own(name)}({code.number} %x) nounwind willreturn memory(none) {{"
    yield from code.taken()
    yield f"  ret {code.number} {result}"
    yield "}"
