/** A key that a person can write on paper: 160 random bits in letters and digits that are hard to mistake. */

export const recoveryBytes = 20;
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const bitsPerLetter = 5;
const groupLetters = 4;
const letters = (recoveryBytes * 8) / bitsPerLetter;

/** Groups of four: `7K2M-…`. */
export function codeText(bytes: Uint8Array): string {
  let bits = BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
  const found: string[] = [];
  for (let index = 0; index < letters; index += 1) {
    found.unshift(alphabet[Number(bits & 31n)] ?? "");
    bits >>= 5n;
  }
  return (found.join("").match(new RegExp(`.{${groupLetters}}`, "g")) ?? []).join("-");
}

/** Null for a text that is no such code. Case, spaces and hyphens do not count, nor letters taken for the digit they look like. */
export function codeBytes(text: string): Uint8Array | null {
  const plain = text.toUpperCase().replaceAll(/[\s-]/g, "").replaceAll("O", "0").replaceAll(/[IL]/g, "1");
  const values = Array.from(plain, (letter) => alphabet.indexOf(letter));
  if (values.length !== letters || values.includes(-1)) return null;
  let bits = 0n;
  for (const value of values) bits = (bits << 5n) | BigInt(value);
  return Buffer.from(bits.toString(16).padStart(recoveryBytes * 2, "0"), "hex");
}
