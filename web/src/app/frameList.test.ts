// What is written is what is read.
import { describe, expect, it } from 'vitest';
import { formatFrames, parseFrames } from './frameList';

describe('frame lists', () => {
  it.each([
    ['1-4', [1, 2, 3, 4]],
    ['1,5, 9-13x2', [1, 5, 9, 11, 13]],
    ['7', [7]],
    ['3-1', null],
    ['-2-1', [-2, -1, 0, 1]],
    ['5,1,5', [1, 5]],
    ['one', null],
    ['', null],
    ['1-99999999', null],
    ['1-5x0', null],
  ])('%s', (text, frames) => {
    expect(parseFrames(text)).toEqual(frames);
  });

  it('writes the shortest form and reads it back', () => {
    for (const frames of [[1, 2, 3], [1, 2], [1, 3, 5, 6], [4], [1, 5, 9, 10, 11, 40]]) {
      expect(parseFrames(formatFrames(frames))).toEqual(frames);
    }
    expect(formatFrames([1, 2, 3, 10, 12, 14, 20])).toBe('1-3,10-14x2,20');
  });
});
