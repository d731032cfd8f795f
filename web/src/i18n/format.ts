// Numbers, money, spans, times and sizes as people read them, always with their unit. Pure apart from the language.
import type { Language } from './index';

const DECIMALS_SHOWN = 4;
const BINARY_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

const formatters = new Map<string, Intl.NumberFormat>();
function formatter(language: Language, digits: number): Intl.NumberFormat {
  const key = `${language}${digits}`;
  let made = formatters.get(key);
  if (!made) {
    made = new Intl.NumberFormat(language === 'zh' ? 'zh-CN' : 'en-GB', { maximumFractionDigits: digits });
    formatters.set(key, made);
  }
  return made;
}

export function formatNumber(value: number, language: Language, digits = 0): string {
  return formatter(language, digits).format(value);
}

/** Base units to tokens, without passing through a float. Rounds down; amounts too small to show read `< 0.0001`. */
export function formatAmount(baseUnits: string, decimals: number, language: Language, shown = DECIMALS_SHOWN): string {
  let units: bigint;
  try {
    units = BigInt(baseUnits);
  } catch {
    return baseUnits;
  }
  const sign = units < 0n ? '−' : '';
  if (units < 0n) units = -units;
  const one = 10n ** BigInt(decimals);
  const whole = formatter(language, 0).format(units / one);
  const fraction = (units % one).toString().padStart(decimals, '0').slice(0, shown).replace(/0+$/, '');
  if (units > 0n && units / one === 0n && fraction === '') return `${sign}< 0.${'0'.repeat(shown - 1)}1`;
  return `${sign}${whole}${fraction && `.${fraction}`}`;
}

/** What a person typed, in tokens, to base units; null when it is not an amount. */
export function parseAmount(text: string, decimals: number): string | null {
  const match = /^(\d+)(?:[.,](\d+))?$/.exec(text.trim());
  if (!match || (match[2]?.length ?? 0) > decimals) return null;
  return BigInt(match[1]! + (match[2] ?? '').padEnd(decimals, '0')).toString();
}

export function formatBytes(bytes: number, language: Language): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < BINARY_UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${formatNumber(value, language, unit === 0 || value >= 100 ? 0 : 1)} ${BINARY_UNITS[unit]}`;
}

/** A span in seconds by its two largest units: `1 h 04 min`, `42 s`, `0.8 s`. */
export function formatSpan(seconds: number, language: Language): string {
  const [day, hour, minute, second] = language === 'zh' ? ['天', '小时', '分', '秒'] : ['d', 'h', 'min', 's'];
  if (!Number.isFinite(seconds) || seconds < 0) return '–';
  if (seconds < 10 && seconds % 1 !== 0) return `${seconds.toFixed(1)} ${second}`;
  const s = Math.round(seconds);
  const two = (value: number) => String(value).padStart(2, '0');
  if (s < 60) return `${s} ${second}`;
  if (s < 3600) return `${Math.floor(s / 60)} ${minute} ${two(s % 60)} ${second}`;
  if (s < 86_400) return `${Math.floor(s / 3600)} ${hour} ${two(Math.floor((s % 3600) / 60))} ${minute}`;
  return `${Math.floor(s / 86_400)} ${day} ${Math.floor((s % 86_400) / 3600)} ${hour}`;
}

const AGO_STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
];

/** How long ago a moment was, in one unit; the full time belongs in the element's title. */
export function formatAgo(moment: string, nowMs: number, language: Language): string {
  const seconds = Math.round((Date.parse(moment) - nowMs) / 1000);
  const words = new Intl.RelativeTimeFormat(language === 'zh' ? 'zh-CN' : 'en-GB', { numeric: 'auto' });
  for (const [unit, size] of AGO_STEPS) {
    if (Math.abs(seconds) >= size) return words.format(Math.trunc(seconds / size), unit);
  }
  return words.format(0, 'second');
}

export function formatMoment(moment: string, language: Language): string {
  const at = new Date(moment);
  if (Number.isNaN(at.getTime())) return moment;
  return at.toLocaleString(language === 'zh' ? 'zh-CN' : 'en-GB', { dateStyle: 'medium', timeStyle: 'medium' });
}

/** Only the time of day, for logs. */
export function formatClock(moment: string): string {
  const at = new Date(moment);
  return Number.isNaN(at.getTime()) ? moment : at.toTimeString().slice(0, 8);
}

/** Ids and hashes are long; eight characters tell them apart on a screen. Pair it with the full value in a title. */
export function shortId(id: string): string {
  const bare = id.startsWith('0x') ? id.slice(2) : id;
  return bare.length > 10 ? `${id.startsWith('0x') ? '0x' : ''}${bare.slice(0, 8)}` : id;
}
