/**
 * What a 32-bit verifier says in other words than one of 64 bits: the reader of proofs has no place for a number of more than 32 bits, and
 * ends there.
 */

/** A verdict's text in words that both have. */
export function alike(text) {
  const large = (whole, number) => (BigInt(number) >> 32n > 0n ? `a proof with ${number} queries` : whole);
  return text
    .replace(/Invalid size \d+: sizes must fit in a usize \(0 to 4294967295\)/g, 'io error: unexpected end of file')
    .replace(/proof parameters: queries is (\d+), this verifier requires \d+/g, large)
    .replace(/Parameter \{ parameter: "queries", found: "(\d+)", required: "\d+" \}/g, large)
    .replace(/proof: malformed: invalid value: integer `(\d+)`, expected usize/g, large)
    .replace(/Decode\(Malformed\("invalid value: integer `(\d+)`, expected usize"\)\)/g, large);
}
