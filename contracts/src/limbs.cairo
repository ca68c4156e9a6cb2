//! A felt as 28 limbs of 9 bits, the form in which Cairo's prover keeps memory.

#[feature("bounded-int-utils")]
use core::internal::bounded_int::{
    self, AddHelper, BoundedInt, DivRemHelper, MulHelper, UnitInt, upcast,
};

type Limb = BoundedInt<0, 0x1ff>;
type Two9 = UnitInt<0x200>;
type Two7 = UnitInt<0x80>;
const TWO9: NonZero<Two9> = 0x200;
const TWO7: NonZero<Two7> = 0x80;
type Low0 = BoundedInt<0, 0x7fffffffffffffffffffffffffffff>;
impl DivLow0 of DivRemHelper<u128, Two9> {
    type DivT = Low0;
    type RemT = Limb;
}
type Low1 = BoundedInt<0, 0x3fffffffffffffffffffffffffff>;
impl DivLow1 of DivRemHelper<Low0, Two9> {
    type DivT = Low1;
    type RemT = Limb;
}
type Low2 = BoundedInt<0, 0x1fffffffffffffffffffffffff>;
impl DivLow2 of DivRemHelper<Low1, Two9> {
    type DivT = Low2;
    type RemT = Limb;
}
type Low3 = BoundedInt<0, 0xfffffffffffffffffffffff>;
impl DivLow3 of DivRemHelper<Low2, Two9> {
    type DivT = Low3;
    type RemT = Limb;
}
type Low4 = BoundedInt<0, 0x7ffffffffffffffffffff>;
impl DivLow4 of DivRemHelper<Low3, Two9> {
    type DivT = Low4;
    type RemT = Limb;
}
type Low5 = BoundedInt<0, 0x3ffffffffffffffffff>;
impl DivLow5 of DivRemHelper<Low4, Two9> {
    type DivT = Low5;
    type RemT = Limb;
}
type Low6 = BoundedInt<0, 0x1ffffffffffffffff>;
impl DivLow6 of DivRemHelper<Low5, Two9> {
    type DivT = Low6;
    type RemT = Limb;
}
type Low7 = BoundedInt<0, 0xffffffffffffff>;
impl DivLow7 of DivRemHelper<Low6, Two9> {
    type DivT = Low7;
    type RemT = Limb;
}
type Low8 = BoundedInt<0, 0x7fffffffffff>;
impl DivLow8 of DivRemHelper<Low7, Two9> {
    type DivT = Low8;
    type RemT = Limb;
}
type Low9 = BoundedInt<0, 0x3fffffffff>;
impl DivLow9 of DivRemHelper<Low8, Two9> {
    type DivT = Low9;
    type RemT = Limb;
}
type Low10 = BoundedInt<0, 0x1fffffff>;
impl DivLow10 of DivRemHelper<Low9, Two9> {
    type DivT = Low10;
    type RemT = Limb;
}
type Low11 = BoundedInt<0, 0xfffff>;
impl DivLow11 of DivRemHelper<Low10, Two9> {
    type DivT = Low11;
    type RemT = Limb;
}
type Low12 = BoundedInt<0, 0x7ff>;
impl DivLow12 of DivRemHelper<Low11, Two9> {
    type DivT = Low12;
    type RemT = Limb;
}
type Low13 = BoundedInt<0, 0x3>;
impl DivLow13 of DivRemHelper<Low12, Two9> {
    type DivT = Low13;
    type RemT = Limb;
}
type Middle = BoundedInt<0, 0x7f>;
type High0 = BoundedInt<0, 0x1ffffffffffffffffffffffffffffff>;
impl DivHigh0 of DivRemHelper<u128, Two7> {
    type DivT = High0;
    type RemT = Middle;
}
type High1 = BoundedInt<0, 0xffffffffffffffffffffffffffff>;
impl DivHigh1 of DivRemHelper<High0, Two9> {
    type DivT = High1;
    type RemT = Limb;
}
type High2 = BoundedInt<0, 0x7fffffffffffffffffffffffff>;
impl DivHigh2 of DivRemHelper<High1, Two9> {
    type DivT = High2;
    type RemT = Limb;
}
type High3 = BoundedInt<0, 0x3fffffffffffffffffffffff>;
impl DivHigh3 of DivRemHelper<High2, Two9> {
    type DivT = High3;
    type RemT = Limb;
}
type High4 = BoundedInt<0, 0x1fffffffffffffffffffff>;
impl DivHigh4 of DivRemHelper<High3, Two9> {
    type DivT = High4;
    type RemT = Limb;
}
type High5 = BoundedInt<0, 0xfffffffffffffffffff>;
impl DivHigh5 of DivRemHelper<High4, Two9> {
    type DivT = High5;
    type RemT = Limb;
}
type High6 = BoundedInt<0, 0x7ffffffffffffffff>;
impl DivHigh6 of DivRemHelper<High5, Two9> {
    type DivT = High6;
    type RemT = Limb;
}
type High7 = BoundedInt<0, 0x3ffffffffffffff>;
impl DivHigh7 of DivRemHelper<High6, Two9> {
    type DivT = High7;
    type RemT = Limb;
}
type High8 = BoundedInt<0, 0x1ffffffffffff>;
impl DivHigh8 of DivRemHelper<High7, Two9> {
    type DivT = High8;
    type RemT = Limb;
}
type High9 = BoundedInt<0, 0xffffffffff>;
impl DivHigh9 of DivRemHelper<High8, Two9> {
    type DivT = High9;
    type RemT = Limb;
}
type High10 = BoundedInt<0, 0x7fffffff>;
impl DivHigh10 of DivRemHelper<High9, Two9> {
    type DivT = High10;
    type RemT = Limb;
}
type High11 = BoundedInt<0, 0x3fffff>;
impl DivHigh11 of DivRemHelper<High10, Two9> {
    type DivT = High11;
    type RemT = Limb;
}
type High12 = BoundedInt<0, 0x1fff>;
impl DivHigh12 of DivRemHelper<High11, Two9> {
    type DivT = High12;
    type RemT = Limb;
}
impl ShiftMiddle of MulHelper<Middle, UnitInt<4>> {
    type Result = BoundedInt<0, 0x1fc>;
}
impl JoinMiddle of AddHelper<BoundedInt<0, 0x1fc>, Low13> {
    type Result = Limb;
}

/// Appends the felt's limbs, the lowest first, as words.
pub fn push_limbs(ref words: Array<u32>, felt: felt252) {
    let u256 { low, high } = felt.into();
    let (low, limb) = bounded_int::div_rem(low, TWO9);
    words.append(upcast(limb));
    let (low, limb) = bounded_int::div_rem(low, TWO9);
    words.append(upcast(limb));
    let (low, limb) = bounded_int::div_rem(low, TWO9);
    words.append(upcast(limb));
    let (low, limb) = bounded_int::div_rem(low, TWO9);
    words.append(upcast(limb));
    let (low, limb) = bounded_int::div_rem(low, TWO9);
    words.append(upcast(limb));
    let (low, limb) = bounded_int::div_rem(low, TWO9);
    words.append(upcast(limb));
    let (low, limb) = bounded_int::div_rem(low, TWO9);
    words.append(upcast(limb));
    let (low, limb) = bounded_int::div_rem(low, TWO9);
    words.append(upcast(limb));
    let (low, limb) = bounded_int::div_rem(low, TWO9);
    words.append(upcast(limb));
    let (low, limb) = bounded_int::div_rem(low, TWO9);
    words.append(upcast(limb));
    let (low, limb) = bounded_int::div_rem(low, TWO9);
    words.append(upcast(limb));
    let (low, limb) = bounded_int::div_rem(low, TWO9);
    words.append(upcast(limb));
    let (low, limb) = bounded_int::div_rem(low, TWO9);
    words.append(upcast(limb));
    let (low, limb) = bounded_int::div_rem(low, TWO9);
    words.append(upcast(limb));
    let (high, middle) = bounded_int::div_rem(high, TWO7);
    let limb = bounded_int::add(bounded_int::mul::<_, UnitInt<4>>(middle, 4), low);
    words.append(upcast(limb));
    let (high, limb) = bounded_int::div_rem(high, TWO9);
    words.append(upcast(limb));
    let (high, limb) = bounded_int::div_rem(high, TWO9);
    words.append(upcast(limb));
    let (high, limb) = bounded_int::div_rem(high, TWO9);
    words.append(upcast(limb));
    let (high, limb) = bounded_int::div_rem(high, TWO9);
    words.append(upcast(limb));
    let (high, limb) = bounded_int::div_rem(high, TWO9);
    words.append(upcast(limb));
    let (high, limb) = bounded_int::div_rem(high, TWO9);
    words.append(upcast(limb));
    let (high, limb) = bounded_int::div_rem(high, TWO9);
    words.append(upcast(limb));
    let (high, limb) = bounded_int::div_rem(high, TWO9);
    words.append(upcast(limb));
    let (high, limb) = bounded_int::div_rem(high, TWO9);
    words.append(upcast(limb));
    let (high, limb) = bounded_int::div_rem(high, TWO9);
    words.append(upcast(limb));
    let (high, limb) = bounded_int::div_rem(high, TWO9);
    words.append(upcast(limb));
    let (high, limb) = bounded_int::div_rem(high, TWO9);
    words.append(upcast(limb));
    // What is left is below 2^9, as the felt is below 2^252.
    words.append(upcast(high));
}
