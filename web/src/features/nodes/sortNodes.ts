// The order of the list of nodes. Pure; what is not known stands last in either direction, equal nodes keep their place.
import type { ProviderView } from '@/api/types';

export const SORTS = [
  'speed',
  'threads',
  'memory',
  'latency',
  'price',
  'reputation',
  'earned',
  'seen',
  'tier',
] as const;
export type SortKey = (typeof SORTS)[number];

export function isSortKey(text: string | null): text is SortKey {
  return SORTS.includes(text as SortKey);
}

function units(amount: string): bigint {
  return /^-?\d+$/.test(amount) ? BigInt(amount) : 0n;
}

/** The share of accepted work, drawn to the middle while there is little of it: 1 of 1 says less than 999 of 1,000. */
export function reputation({ tasks_verified, tasks_rejected }: ProviderView): number {
  return (tasks_verified + 1) / (tasks_verified + tasks_rejected + 2);
}

const VALUES: Record<SortKey, (node: ProviderView) => number | bigint | string | null> = {
  speed: (node) => node.wu_per_second,
  threads: (node) => node.threads,
  memory: (node) => node.memory_bytes,
  latency: (node) => node.rtt_ms ?? null,
  price: (node) => units(node.price_per_wu_hour),
  reputation,
  earned: (node) => units(node.earned),
  seen: (node) => node.last_seen_s,
  tier: (node) => node.tier,
};

/** What one wants to see first: the quickest and the cheapest. */
export function descendingFirst(key: SortKey): boolean {
  return key === 'speed' || key === 'threads' || key === 'memory' || key === 'reputation' || key === 'earned';
}

export function sortNodes(nodes: readonly ProviderView[], key: SortKey, descending: boolean): ProviderView[] {
  const value = VALUES[key];
  return [...nodes].sort((one, other) => {
    const a = value(one);
    const b = value(other);
    if (a !== b) {
      if (a === null) return 1;
      if (b === null) return -1;
      if (a < b) return descending ? 1 : -1;
      if (a > b) return descending ? -1 : 1;
    }
    return one.id.localeCompare(other.id);
  });
}
