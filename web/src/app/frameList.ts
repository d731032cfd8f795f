// Lists of frames as people write them: `1-48`, `1,5,9-20x2`. Pure; the node itself takes plain numbers.

/** More than any job may have; keeps a mistyped `1-1000000000` from filling the memory. */
const MOST_FRAMES = 100_000;

/** The frames in ascending order, each once; null when the text is no list of frames. */
export function parseFrames(text: string): number[] | null {
  const frames = new Set<number>();
  for (const part of text.split(/[\s,;，、]+/).filter(Boolean)) {
    const match = /^(-?\d+)(?:\s*(?:-|–|\.\.)\s*(-?\d+)(?:[x×:](\d+))?)?$/.exec(part);
    if (!match) return null;
    const first = Number(match[1]);
    const last = match[2] === undefined ? first : Number(match[2]);
    const step = Number(match[3] ?? 1);
    if (last < first || step < 1 || (last - first) / step + frames.size > MOST_FRAMES) return null;
    for (let frame = first; frame <= last; frame += step) frames.add(frame);
  }
  return frames.size === 0 ? null : [...frames].sort((a, b) => a - b);
}

/** The shortest way to write ascending frames down; `parseFrames` reads it back. */
export function formatFrames(frames: readonly number[]): string {
  const parts: string[] = [];
  for (let i = 0; i < frames.length; ) {
    const first = frames[i]!;
    const step = (frames[i + 1] ?? first) - first;
    let last = i;
    while (last + 1 < frames.length && frames[last + 1]! - frames[last]! === step) last += 1;
    if (last - i >= 2 || (last > i && step === 1)) {
      parts.push(`${first}-${frames[last]}${step > 1 ? `x${step}` : ''}`);
      i = last + 1;
    } else {
      parts.push(String(first));
      i += 1;
    }
  }
  return parts.join(',');
}
