// Amounts between people and the API: `1.5` tokens are 1500000 base units where a token has 6 decimals.

/** Base units of a decimal text. */
export function toBaseUnits(amount: string, decimals: number): bigint {
  const match = /^(\d+)(?:\.(\d+))?$/.exec(amount.trim());
  const [, whole, fraction = ''] = match ?? [];
  if (whole === undefined) throw new RangeError(`${JSON.stringify(amount)} is no amount; write it like 1.5`);
  if (fraction.length > decimals) throw new RangeError(`${amount} has more than ${decimals} decimals`);
  return BigInt(whole + fraction.padEnd(decimals, '0'));
}

/** A decimal text of base units, without zeros at its end. */
export function fromBaseUnits(units: bigint | string, decimals: number): string {
  const digits = BigInt(units)
    .toString()
    .padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, '');
  return fraction ? `${whole}.${fraction}` : whole;
}
