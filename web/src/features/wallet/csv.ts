// A table as CSV by RFC 4180: lines end in CRLF, a field is quoted when it must be, quotes in it are doubled. Pure.
import type { WalletEntry } from '@/api/types';

const MUST_QUOTE = /[",\r\n]|^\s|\s$/;
/** A spreadsheet would run these as formulas; nothing of ours begins so, a foreign value could. */
const FORMULA = /^[=+@\t]/;

function field(value: string): string {
  const safe = FORMULA.test(value) ? `'${value}` : value;
  return MUST_QUOTE.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function toCsv(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => `${row.map(field).join(',')}\r\n`).join('');
}

/** Base units as a plain decimal number, exact and without grouping, as programs read it. */
export function plainAmount(baseUnits: string, decimals: number): string {
  const match = /^(-?)(\d+)$/.exec(baseUnits);
  if (!match) return baseUnits;
  const digits = match[2]!.padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, '');
  return `${match[1]}${whole}${fraction && `.${fraction}`}`;
}

const HEAD = ['at', 'kind', 'job', 'amount', 'symbol', 'amount_base_units', 'transaction', 'block'];

/** Headings are the API's own words in every language, so that a script that reads the file keeps working. */
export function historyCsv(entries: readonly WalletEntry[], decimals: number, symbol: string): string {
  const rows = entries.map((entry) => [
    entry.at,
    entry.kind,
    entry.job,
    plainAmount(entry.amount, decimals),
    symbol,
    entry.amount,
    entry.transaction ?? '',
    String(entry.block ?? ''),
  ]);
  return toCsv([HEAD, ...rows]);
}
