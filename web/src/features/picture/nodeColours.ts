// A colour for each node that stays the same in every job and on every visit: a slot of a fixed palette, chosen by the
// node's id, moved to the next free one when taken, and remembered. Colour is never the only sign: names stand beside.
import { remembered } from '@/app/store';

/**
 * Twelve hues far apart, two lightnesses each, readable as outlines over pictures and on both themes. The order puts
 * neighbours in the palette far from each other, since a taken slot moves a node to the next one.
 */
const HUES = [28, 200, 95, 320, 160, 255, 60, 290, 130, 0, 230, 345];
export const PALETTE: readonly string[] = [
  ...HUES.map((hue) => `oklch(72% 0.15 ${hue})`),
  ...HUES.map((hue) => `oklch(58% 0.13 ${hue + 12})`),
];
const REMEMBERED = 'node-colours';
/** The ones met last; a farm has fewer, and the palette repeats after 24 anyway. */
const MOST_REMEMBERED = 240;

/** FNV-1a: spreads ids that differ in one character. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/**
 * The slot for a new node, given the slots in use: its own by hash, else the next free of the lighter half, then of the
 * darker half, else its own again.
 */
export function slotFor(id: string, taken: ReadonlySet<number>): number {
  const own = hashOf(id) % HUES.length;
  for (const half of [0, HUES.length]) {
    for (let step = 0; step < HUES.length; step += 1) {
      const slot = half + ((own + step) % HUES.length);
      if (!taken.has(slot)) return slot;
    }
  }
  return own;
}

let slots: Map<string, number> | null = null;
function known(): Map<string, number> {
  if (slots) return slots;
  slots = new Map();
  try {
    for (const [id, slot] of JSON.parse(remembered.read(REMEMBERED) ?? '[]') as [string, number][]) slots.set(id, slot);
  } catch {
    // A damaged memory is an empty one.
  }
  return slots;
}

export function nodeColour(id: string): string {
  const all = known();
  let slot = all.get(id);
  if (slot === undefined) {
    slot = slotFor(id, new Set([...all.values()].slice(-PALETTE.length + 1)));
    all.set(id, slot);
    remembered.write(REMEMBERED, JSON.stringify([...all].slice(-MOST_REMEMBERED)));
  }
  return PALETTE[slot % PALETTE.length]!;
}
