// A small preview of one frame. Kept for the session, so that scrolling back shows it at once; `version` grows when the
// frame has more to show. The box has its size from the start: nothing jumps.
import { type CSSProperties, useEffect, useState } from 'react';
import { previewBlob } from './previews';
import styles from './Thumbnail.module.css';

const SIDE = 160;
const KEPT = 400;
/** Scrolling past quickly asks for nothing. */
const REST_MS = 80;

interface Kept {
  url: string;
  version: number;
}
const kept = new Map<string, Kept>();

function keep(key: string, value: Kept): void {
  const old = kept.get(key);
  if (old) URL.revokeObjectURL(old.url);
  kept.delete(key);
  kept.set(key, value);
  for (const [oldest, entry] of kept) {
    if (kept.size <= KEPT) break;
    URL.revokeObjectURL(entry.url);
    kept.delete(oldest);
  }
}

interface Props {
  job: string;
  /** Null: the first frame of which something is there. */
  frame: number | null;
  version: number;
  style?: CSSProperties;
}

export function Thumbnail({ job, frame, version, style }: Props) {
  const key = `${job}/${frame}`;
  const [shown, setShown] = useState<Kept | undefined>(() => kept.get(key));
  useEffect(() => {
    const known = kept.get(key);
    setShown(known);
    if (version === 0 || (known && known.version >= version)) return;
    const stop = new AbortController();
    const timer = setTimeout(async () => {
      try {
        const blob = await previewBlob(job, { ...(frame !== null && { frame }), side: SIDE }, stop.signal);
        const fresh = { url: URL.createObjectURL(blob), version };
        keep(key, fresh);
        setShown(fresh);
      } catch {
        // A thumbnail that cannot be had stays an empty box; the view says elsewhere that the node is away.
      }
    }, REST_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [key, job, frame, version]);
  return (
    <span className={styles.box} style={style}>
      {shown && <img src={shown.url} alt="" className={styles.image} decoding="async" draggable={false} />}
    </span>
  );
}
