// The finished film. It is fetched whole, since a video element cannot send the token; then it plays from memory.
import { useEffect, useState } from 'react';
import { api } from '@/api/client';
import { type Failure, isAbort, toFailure } from '@/api/problem';
import type { JobView } from '@/api/types';
import { useMessages } from '@/i18n';
import { EmptyState, ProblemNote } from '@/ui/Notes';
import { ProgressBar } from '@/ui/ProgressBar';
import { Bytes } from '@/ui/Values';
import styles from './FilmPlayer.module.css';

/** Reads a response to the end and says how far it is. */
async function readWhole(response: Response, onBytes: (bytes: number) => void): Promise<Blob> {
  const parts: BlobPart[] = [];
  let bytes = 0;
  for (const reader = response.body!.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    bytes += value.length;
    onBytes(bytes);
  }
  return new Blob(parts, { type: response.headers.get('content-type') ?? '' });
}

export function FilmPlayer({ job }: { job: JobView }) {
  const m = useMessages();
  const film = job.outputs.find((output) => output.kind === 'film');
  const index = film?.index;
  const [url, setUrl] = useState<string | null>(null);
  const [bytes, setBytes] = useState(0);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [again, setAgain] = useState(0);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `again` is the person asking for another try
  useEffect(() => {
    if (index === undefined) return;
    const stop = new AbortController();
    let made: string | null = null;
    setFailure(null);
    api
      .output(job.id, index, { signal: stop.signal })
      .then((response) => readWhole(response, setBytes))
      .then((blob) => {
        made = URL.createObjectURL(blob);
        setUrl(made);
      })
      .catch((error) => {
        if (!isAbort(error)) setFailure(toFailure(error));
      });
    return () => {
      stop.abort();
      if (made) URL.revokeObjectURL(made);
    };
  }, [job.id, index, again]);

  return (
    <div className={styles.player}>
      {!film && (
        <EmptyState icon="film" title={m.job.film.none}>
          {m.job.film.noneDetail}
        </EmptyState>
      )}
      {failure && <ProblemNote failure={failure} onRetry={() => setAgain(again + 1)} />}
      {film && !url && !failure && (
        <div className={styles.loading}>
          <span>
            {m.job.film.loading} <Bytes bytes={bytes} /> / <Bytes bytes={film.bytes} />
          </span>
          <ProgressBar permille={Math.min(1000, (bytes / film.bytes) * 1000)} label={m.job.film.loading} />
        </div>
      )}
      {url && (
        <video src={url} controls loop autoPlay muted playsInline className={styles.video} aria-label={film?.name} />
      )}
    </div>
  );
}
