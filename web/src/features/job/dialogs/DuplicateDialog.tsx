// A new job from the same scene with some settings changed; what is left empty stays as it was.
import { useState } from 'react';
import { api } from '@/api/client';
import type { JobSettings, JobView } from '@/api/types';
import { formatFrames, parseFrames } from '@/app/frameList';
import { useMessages } from '@/i18n';
import { Checkbox, Field, Input } from '@/ui/Field';
import { AnotherJobDialog } from './AnotherJobDialog';
import styles from './AnotherJobDialog.module.css';

const positive = (text: string) => text === '' || (Number.isInteger(Number(text)) && Number(text) > 0);

export function DuplicateDialog({ job, onClose }: { job: JobView; onClose: () => void }) {
  const m = useMessages();
  const d = m.job.duplicateDialog;
  const [name, setName] = useState('');
  const [frames, setFrames] = useState('');
  const [samples, setSamples] = useState('');
  const [percent, setPercent] = useState('');
  const [keepRaw, setKeepRaw] = useState(job.settings.keep_raw ?? false);
  const parsed = frames.trim() === '' ? undefined : parseFrames(frames);
  const valid = parsed !== null && positive(samples) && positive(percent);

  const duplicate = () => {
    const changes: JobSettings = { keep_raw: keepRaw, auto_start: false };
    if (name.trim()) changes.name = name.trim();
    if (parsed) changes.frames = parsed;
    if (samples) changes.samples = Number(samples);
    if (percent) changes.resolution = { percent: Number(percent) };
    return api.duplicateJob(job.id, changes);
  };
  return (
    <AnotherJobDialog title={d.title} submit={m.job.actions.duplicate} valid={valid} make={duplicate} onClose={onClose}>
      <p>{d.text}</p>
      <Field label={d.name}>
        {(ids) => <Input {...ids} value={name} placeholder={job.name} onChange={(e) => setName(e.target.value)} />}
      </Field>
      <Field label={d.frames} error={parsed === null ? d.framesError : null}>
        {(ids) => (
          <Input
            {...ids}
            value={frames}
            placeholder={formatFrames(job.frame_numbers)}
            onChange={(e) => setFrames(e.target.value)}
          />
        )}
      </Field>
      <div className={styles.pair}>
        <Field label={d.samples} error={positive(samples) ? null : d.number}>
          {(ids) => (
            <Input
              {...ids}
              inputMode="numeric"
              value={samples}
              placeholder={String(job.quote?.samples ?? '')}
              onChange={(e) => setSamples(e.target.value)}
            />
          )}
        </Field>
        <Field label={d.percent} error={positive(percent) ? null : d.number}>
          {(ids) => (
            <Input
              {...ids}
              inputMode="numeric"
              unit="%"
              value={percent}
              placeholder="100"
              onChange={(e) => setPercent(e.target.value)}
            />
          )}
        </Field>
      </div>
      <Checkbox label={d.keepRaw} checked={keepRaw} onChange={(e) => setKeepRaw(e.target.checked)} />
    </AnotherJobDialog>
  );
}
