// The form says what the person meant, and nothing that the scene says already.
import { describe, expect, it } from 'vitest';
import type { SceneFacts } from '@/api/types';
import { firstForm, pictureSize, readForm, sceneFrames } from './settings';

const facts = {
  frame_start: 1,
  frame_end: 48,
  frame_step: 1,
  resolution: { width: 1921, height: 1080 },
  samples: 256,
  slices_refused: null,
} as SceneFacts;
const form = firstForm(facts, 'shot/kitchen.blend');

describe('the form of a new render', () => {
  it('begins as the scene and asks for nothing else', () => {
    expect(readForm(form, facts)).toEqual({ settings: { name: 'kitchen', deadline_s: 86_400 }, wrong: {} });
    expect(sceneFrames({ ...facts, frame_step: 2 })).toBe('1-48x2');
    expect(sceneFrames({ ...facts, frame_end: 1 })).toBe('1');
  });

  it('sends what was changed', () => {
    const changed = {
      ...form,
      frames: '1,5-7',
      percent: '50',
      samples: '64',
      format: 'exr' as const,
      grid: true,
      columns: '2',
      rows: '3',
      sliced: true,
      keepRaw: true,
      cycles: true,
    };
    expect(readForm(changed, facts).settings).toEqual({
      name: 'kitchen',
      deadline_s: 86_400,
      frames: [1, 5, 6, 7],
      resolution: { percent: 50 },
      samples: 64,
      format: 'exr',
      tiles: { grid: [2, 3] },
      slices: { count: 4 },
      keep_raw: true,
      renderer_override: 'cycles',
    });
  });

  it('names the fields that are wrong, and only those that count', () => {
    const bad = { ...form, frames: '9-1', percent: '0', samples: '1.5', width: 'wide', columns: '' };
    expect(readForm(bad, facts).wrong).toEqual({ frames: true, percent: true, samples: true });
    expect(readForm({ ...bad, by: 'size', grid: true }, facts).wrong).toEqual({
      frames: true,
      width: true,
      samples: true,
      columns: true,
    });
  });

  it('leaves slices out where the scene cannot be sliced', () => {
    const refused = { ...facts, slices_refused: 'adaptive sampling' };
    expect(readForm({ ...form, sliced: true }, refused).settings.slices).toBeUndefined();
  });

  it('knows the size of the picture', () => {
    expect(pictureSize({ ...form, percent: '50' }, facts)).toEqual({ width: 960, height: 540 });
    expect(pictureSize({ ...form, percent: 'x' }, facts)).toBeNull();
  });
});
