// The files of a job: film first, then frames, then scene-linear ones, then what commands wrote; each or all can be downloaded.
import { memo, useRef, useState } from 'react';
import type { Output } from '@/api/types';
import { useMessages } from '@/i18n';
import { Button, IconButton } from '@/ui/Button';
import { toast, toastFailure } from '@/ui/Toast';
import { Bytes } from '@/ui/Values';
import { saveAll, saveOutput } from '../downloads';
import styles from './OutputsPanel.module.css';

const KINDS = ['film', 'frame', 'raw', 'file'] as const;
/** Rows beyond these are found by downloading all; a list of ten thousand names helps nobody. */
const MOST_SHOWN = 300;

function Group({ job, kind, outputs }: { job: string; kind: Output['kind']; outputs: Output[] }) {
  const m = useMessages();
  const [done, setDone] = useState<number | null>(null);
  const stop = useRef<AbortController | null>(null);
  const bytes = outputs.reduce((sum, output) => sum + output.bytes, 0);
  const all = async () => {
    const running = new AbortController();
    stop.current = running;
    setDone(0);
    try {
      const saved = await saveAll(job, outputs, setDone, running.signal);
      if (saved > 0) toast(m.job.outputs.saved(saved));
    } catch (error) {
      toastFailure(error);
    }
    setDone(null);
  };
  return (
    <section className={styles.group}>
      <header className={styles.head}>
        <h2>
          {m.job.outputs[kind]}
          <span className={styles.note}>
            {' '}
            {outputs.length} · <Bytes bytes={bytes} />
          </span>
        </h2>
        {outputs.length > 1 &&
          (done === null ? (
            <Button icon="download" onClick={all}>
              {m.job.outputs.saveAll}
            </Button>
          ) : (
            <Button icon="stop" onClick={() => stop.current?.abort()}>
              {m.job.outputs.saving(done, outputs.length)}
            </Button>
          ))}
      </header>
      <ul>
        {outputs.slice(0, MOST_SHOWN).map((output) => (
          <li key={output.index} className={styles.file}>
            <span className={styles.name} title={output.name}>
              {output.name}
            </span>
            <span className={styles.note}>
              <Bytes bytes={output.bytes} />
            </span>
            <IconButton
              icon="download"
              label={`${m.job.outputs.save}: ${output.name}`}
              onClick={() => void saveOutput(job, output).catch(toastFailure)}
            />
          </li>
        ))}
      </ul>
    </section>
  );
}

export const OutputsPanel = memo(function OutputsPanel({ job, outputs }: { job: string; outputs: readonly Output[] }) {
  const m = useMessages();
  if (outputs.length === 0) return <p className={styles.empty}>{m.job.outputs.empty}</p>;
  return (
    <div className={styles.panel}>
      {KINDS.map((kind) => {
        const ofKind = outputs.filter((output) => output.kind === kind).sort((a, b) => (a.frame ?? 0) - (b.frame ?? 0));
        return ofKind.length > 0 && <Group key={kind} job={job} kind={kind} outputs={ofKind} />;
      })}
    </div>
  );
});
