// Events put jobs where the filter says they belong.
import { describe, expect, it } from 'vitest';
import type { JobState, JobSummary } from '@/api/types';
import { fits, merge } from './filter';

function job(id: string, state: JobState, created_at: string, name = id): JobSummary {
  return { id, name, state, created_at } as JobSummary;
}
const all = { show: 'all', text: '' } as const;

describe('job list', () => {
  it('matches state and text', () => {
    const one = job('job_1', 'rendering', '2026-01-01', 'Kitchen');
    expect(fits(one, { show: 'active', text: 'KITCH' })).toBe(true);
    expect(fits(one, { show: 'active', text: 'job_1' })).toBe(true);
    expect(fits(one, { show: 'done', text: '' })).toBe(false);
    expect(fits(one, { show: 'all', text: 'bath' })).toBe(false);
  });

  it('replaces in place, adds in order, drops what no longer fits', () => {
    const list = [job('c', 'rendering', '3'), job('a', 'rendering', '1')];
    expect(merge(list, [job('a', 'settling', '1')], all).map((j) => j.state)).toEqual(['rendering', 'settling']);
    expect(merge(list, [job('d', 'analysing', '4'), job('b', 'rendering', '2')], all).map((j) => j.id)).toEqual([
      'd',
      'c',
      'b',
      'a',
    ]);
    expect(merge(list, [job('c', 'done', '3')], { show: 'active', text: '' }).map((j) => j.id)).toEqual(['a']);
  });

  it('leaves jobs of unread pages alone', () => {
    const list = [job('c', 'rendering', '3')];
    expect(merge(list, [job('old', 'done', '1')], all)).toHaveLength(1);
  });
});
