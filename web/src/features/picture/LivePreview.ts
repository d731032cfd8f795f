// The picture of one frame, as it is now: asks the node for the frame again when more of it is there, one request at a time, not
// more often than the eye needs, and keeps the last few, so that stepping between frames is instant.
import type { PreviewQuery } from '@/api/client';
import { type Failure, isAbort, OfflineError, toFailure } from '@/api/problem';
import { previewBitmap } from './previews';

const AT_MOST_EVERY_MS = 800;
/** The last frame's picture stays this long while the next one is fetched: shorter than a flicker is seen. */
const STALE_MS = 180;
const KEPT = 8;
const RETRY_MS = 3000;

interface Kept {
  bitmap: ImageBitmap;
  version: number;
}
export interface Shown {
  bitmap: ImageBitmap;
  /** The longer side that was asked for: whether this is the picture's own size. */
  side: number;
}

export class LivePreview {
  shown: Shown | null = null;
  failure: Failure | null = null;
  private query: PreviewQuery | null = null;
  private key = '';
  private version = 0;
  private readonly kept = new Map<string, Kept>();
  private loading: AbortController | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private staleTimer: ReturnType<typeof setTimeout> | undefined;
  private lastStart = 0;
  private readonly job: string;
  private readonly onChange: () => void;

  constructor(job: string, onChange: () => void) {
    this.job = job;
    this.onChange = onChange;
  }

  /** What should be on screen now. `version` grows as more of the frame arrives; 0 means nothing is there yet. */
  want(query: PreviewQuery, version: number): void {
    const key = `${query.frame}/${query.side}/${query.exposure ?? 0}/${query.channel ?? ''}`;
    if (key === this.key && version === this.version) return;
    const otherFrame = this.query?.frame !== query.frame;
    const otherKey = key !== this.key;
    this.query = query;
    this.key = key;
    this.version = version;
    if (otherKey) {
      this.loading?.abort();
      this.loading = null;
      const known = this.kept.get(key);
      if (known) {
        this.kept.delete(key);
        this.kept.set(key, known);
        this.show(known.bitmap, query.side);
      } else if (otherFrame) this.blankSoon();
      if (version === 0 || known?.version === version) return;
      this.lastStart = 0;
    }
    this.loadSoon();
  }

  stop(): void {
    clearTimeout(this.timer);
    clearTimeout(this.staleTimer);
    this.loading?.abort();
    for (const { bitmap } of this.kept.values()) bitmap.close();
    this.kept.clear();
    this.shown = null;
  }

  private show(bitmap: ImageBitmap, side: number): void {
    clearTimeout(this.staleTimer);
    this.shown = { bitmap, side };
    this.failure = null;
    this.onChange();
  }

  private blankSoon(): void {
    clearTimeout(this.staleTimer);
    this.staleTimer = setTimeout(() => {
      this.shown = null;
      this.onChange();
    }, STALE_MS);
  }

  private loadSoon(): void {
    if (this.loading || this.version === 0) return;
    clearTimeout(this.timer);
    const wait = Math.max(0, this.lastStart + AT_MOST_EVERY_MS - performance.now());
    this.timer = setTimeout(() => void this.load(), wait);
  }

  private async load(): Promise<void> {
    const { query, key, version } = this;
    if (!query) return;
    const loading = new AbortController();
    this.loading = loading;
    this.lastStart = performance.now();
    try {
      const bitmap = await previewBitmap(this.job, query, loading.signal);
      this.keep(key, { bitmap, version });
      this.show(bitmap, query.side);
    } catch (error) {
      if (isAbort(error)) return;
      this.failure = toFailure(error);
      this.onChange();
      this.loading = null;
      // What is shown stays. A refusal is final until something changes; a node that is away may be back soon.
      if (this.failure instanceof OfflineError) this.timer = setTimeout(() => void this.load(), RETRY_MS);
      return;
    }
    this.loading = null;
    if (version !== this.version) this.loadSoon();
  }

  private keep(key: string, fresh: Kept): void {
    const old = this.kept.get(key);
    this.kept.delete(key);
    this.kept.set(key, fresh);
    old?.bitmap.close();
    for (const [oldest, { bitmap }] of this.kept) {
      if (this.kept.size <= KEPT) break;
      this.kept.delete(oldest);
      bitmap.close();
    }
  }
}
