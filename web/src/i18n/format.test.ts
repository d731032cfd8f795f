// Amounts lose nothing on their way to the screen, spans and sizes read as people say them.
import { describe, expect, it } from 'vitest';
import { formatAmount, formatBytes, formatSpan, parseAmount, shortId } from './format';

describe('amounts', () => {
  it.each([
    ['1234500000000000000', '1.2345'],
    ['1234567890000000000000000', '1,234,567.89'],
    ['999999999999999999', '0.9999'],
    ['1', '< 0.0001'],
    ['0', '0'],
    ['-2500000000000000000', '−2.5'],
    ['not a number', 'not a number'],
  ])('%s reads %s', (base, shown) => {
    expect(formatAmount(base, 18, 'en')).toBe(shown);
  });

  it('parses what people type, exactly', () => {
    expect(parseAmount('12.5', 18)).toBe('12500000000000000000');
    expect(parseAmount('0,000000000000000001', 18)).toBe('1');
    expect(parseAmount('1.0000000', 6)).toBeNull();
    expect(parseAmount('ten', 18)).toBeNull();
  });
});

describe('spans and sizes', () => {
  it('shows the two largest units', () => {
    expect(formatSpan(0.84, 'en')).toBe('0.8 s');
    expect(formatSpan(42, 'en')).toBe('42 s');
    expect(formatSpan(3 * 3600 + 4 * 60 + 59, 'en')).toBe('3 h 04 min');
    expect(formatSpan(90, 'zh')).toBe('1 分 30 秒');
    expect(formatSpan(Number.NaN, 'en')).toBe('–');
  });

  it('names binary sizes by their right name', () => {
    expect(formatBytes(512, 'en')).toBe('512 B');
    expect(formatBytes(1536, 'en')).toBe('1.5 KiB');
    expect(formatBytes(124 * 1024 ** 2, 'en')).toBe('124 MiB');
  });

  it('shortens ids but keeps the 0x', () => {
    expect(shortId('0x4f1cdeadbeef0000')).toBe('0x4f1cdead');
    expect(shortId('tok_1')).toBe('tok_1');
  });
});
