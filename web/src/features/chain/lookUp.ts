// Finds what somebody typed on the chain: a block's number, or the hash of a block or of a transaction.
import { api } from '@/api/client';
import { ApiError } from '@/api/problem';

export type Wanted = { kind: 'block'; number: string } | { kind: 'hash'; hash: string } | null;

/** `1,234`, `#1234` and hashes in capitals are what people paste; null when it can be neither. Pure. */
export function readWanted(text: string): Wanted {
  const bare = text.trim().replace(/^#/, '');
  const number = bare.replace(/[,\s_]/g, '');
  if (/^\d{1,15}$/.test(number)) return { kind: 'block', number: String(Number(number)) };
  const hash = /^(?:0x)?([0-9a-f]{64})$/i.exec(bare)?.[1];
  return hash === undefined ? null : { kind: 'hash', hash: `0x${hash.toLowerCase()}` };
}

async function unlessUnknown<Answer>(call: Promise<Answer>): Promise<Answer | null> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}

/** The address of the view that shows it; null when the chain does not know it. */
export async function findOnChain(wanted: NonNullable<Wanted>): Promise<string | null> {
  if (wanted.kind === 'block') {
    return (await unlessUnknown(api.block(wanted.number))) && `/chain/blocks/${wanted.number}`;
  }
  if (await unlessUnknown(api.transaction(wanted.hash))) return `/chain/transactions/${wanted.hash}`;
  const block = await unlessUnknown(api.block(wanted.hash));
  return block && `/chain/blocks/${block.number}`;
}
