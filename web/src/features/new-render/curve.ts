// The quote's curve of budget against time: which point is the quoted one, and the curve as a line to draw. Pure.
import type { CurvePoint } from '@/api/types';

export type Point = Pick<CurvePoint, 'budget' | 'time_s' | 'providers'>;

/** Index of the point whose budget is nearest to this one. Amounts are integers too large for numbers. */
export function nearestPoint(curve: readonly Point[], budget: string): number {
  const wanted = BigInt(budget);
  let best = 0;
  let least: bigint | null = null;
  curve.forEach((point, index) => {
    const far = BigInt(point.budget) - wanted;
    const distance = far < 0n ? -far : far;
    if (least === null || distance < least) {
      least = distance;
      best = index;
    }
  });
  return best;
}

/** Places in a unit square, as the slider has them: one step per point, the longest time on top. */
export function places(curve: readonly Point[]): { x: number; y: number }[] {
  const longest = Math.max(1, ...curve.map(({ time_s }) => time_s));
  const steps = Math.max(1, curve.length - 1);
  return curve.map(({ time_s }, index) => ({ x: index / steps, y: 1 - time_s / longest }));
}
