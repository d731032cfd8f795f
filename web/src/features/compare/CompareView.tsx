// Two frames of a job, or of two jobs, compared down to the pixel. What is compared stands in the address.
import { useMemo, useState } from 'react';
import { api } from '@/api/client';
import { useResource } from '@/api/resource';
import type { JobSummary, JobView } from '@/api/types';
import { Link, setQuery, useLocation, type ViewProps } from '@/app/router';
import { createStore, useStore } from '@/app/store';
import { ExposureControl } from '@/features/picture/ExposureControl';
import { PanZoom } from '@/features/picture/PanZoom';
import { ZoomControl } from '@/features/picture/ZoomControl';
import { useMessages } from '@/i18n';
import { IconButton } from '@/ui/Button';
import { Field, Select } from '@/ui/Field';
import { Icon } from '@/ui/Icon';
import { ProblemNote, Skeleton } from '@/ui/Notes';
import { useTitle } from '@/ui/Page';
import { Segmented } from '@/ui/Tabs';
import { ComparePictures } from './ComparePictures';
import styles from './CompareView.module.css';
import type { Mode } from './comparePainter';

const MODES: Mode[] = ['wipe', 'side', 'difference'];
const GAINS = [1, 2, 4, 8, 16, 32, 64];
/** Jobs offered for B: the newest, since one compares what one has just made. */
const OFFERED = 100;

function FrameSelect({
  label,
  frames,
  value,
  onChange,
}: {
  label: string;
  frames: number[];
  value: number;
  onChange: (frame: number) => void;
}) {
  return (
    <Field label={label} hideLabel>
      {(ids) => (
        <Select {...ids} value={value} onChange={(event) => onChange(Number(event.target.value))}>
          {frames.map((frame) => (
            <option key={frame} value={frame}>
              {frame}
            </option>
          ))}
        </Select>
      )}
    </Field>
  );
}

function Loaded({ job, other, jobs }: { job: JobView; other: JobView; jobs: readonly JobSummary[] }) {
  const m = useMessages();
  const { query } = useLocation();
  const [panZoom] = useState(() => new PanZoom());
  const [exposure] = useState(() => createStore(0));
  const [channel] = useState(() => createStore(''));
  const [gain, setGain] = useState(8);
  const stops = useStore(exposure);
  const shownChannel = useStore(channel);
  useTitle(`${m.compare.title}: ${job.name}`);

  const pick = (name: string, frames: number[], fallback: number) => {
    const asked = Number(query.get(name));
    return frames.includes(asked) ? asked : fallback;
  };
  const frameA = pick('a', job.frame_numbers, job.frame_numbers[0] ?? 1);
  const next = job.frame_numbers[job.frame_numbers.indexOf(frameA) + 1] ?? job.frame_numbers[0] ?? 1;
  const frameB = pick('b', other.frame_numbers, other === job ? next : (other.frame_numbers[0] ?? 1));
  const asked = query.get('mode') as Mode;
  const mode = MODES.includes(asked) ? asked : 'wipe';
  const linear = job.settings.keep_raw === true && other.settings.keep_raw === true;
  const channels = useResource(linear ? `job/${job.id}/channels` : null, (signal) =>
    api.channels(job.id, frameA, { signal }),
  );
  const width = job.resolution?.width ?? 1920;
  const height = job.resolution?.height ?? 1080;
  const resolution = useMemo(() => ({ width, height }), [width, height]);
  return (
    <div className={styles.compare}>
      <header className={styles.tools}>
        <Link
          to={`/jobs/${job.id}?frame=${frameA}`}
          className={styles.back}
          title={m.compare.back}
          aria-label={m.compare.back}
        >
          <Icon name="arrowLeft" />
        </Link>
        <h1 title={job.name}>{job.name}</h1>
        <span className={styles.side}>
          <span aria-hidden>{m.compare.a}</span>
          <FrameSelect
            label={m.compare.frame(m.compare.a)}
            frames={job.frame_numbers}
            value={frameA}
            onChange={(frame) => setQuery({ a: String(frame) })}
          />
          {other === job && (
            <IconButton
              icon="swap"
              label={m.compare.swap}
              onClick={() => setQuery({ a: String(frameB), b: String(frameA) })}
            />
          )}
          <span aria-hidden>{m.compare.b}</span>
          <Field label={m.compare.job} hideLabel>
            {(ids) => (
              <Select
                {...ids}
                value={other.id}
                onChange={(event) =>
                  setQuery({ job: event.target.value === job.id ? null : event.target.value, b: null })
                }
              >
                {!jobs.some((each) => each.id === other.id) && <option value={other.id}>{other.name}</option>}
                {jobs.map((each) => (
                  <option key={each.id} value={each.id}>
                    {each.name}
                  </option>
                ))}
              </Select>
            )}
          </Field>
          <FrameSelect
            label={m.compare.frame(m.compare.b)}
            frames={other.frame_numbers}
            value={frameB}
            onChange={(frame) => setQuery({ b: String(frame) })}
          />
        </span>
        <Segmented
          label={m.compare.mode.label}
          options={MODES.map((key) => ({ key, label: m.compare.mode[key] }))}
          value={mode}
          onChange={(key) => setQuery({ mode: key })}
        />
        {mode === 'difference' && (
          <span className={styles.side}>
            <Field label={m.compare.differenceGain} hideLabel>
              {(ids) => (
                <Select {...ids} value={gain} onChange={(event) => setGain(Number(event.target.value))}>
                  {GAINS.map((each) => (
                    <option key={each} value={each}>
                      {m.compare.differenceGain} × {each}
                    </option>
                  ))}
                </Select>
              )}
            </Field>
          </span>
        )}
        {channels.data && channels.data.length > 0 && (
          <ExposureControl exposure={exposure} channel={channel} channels={channels.data} />
        )}
        <span className={styles.gap} />
        <ZoomControl panZoom={panZoom} />
      </header>
      <ComparePictures
        a={{ job: job.id, frame: frameA }}
        b={{ job: other.id, frame: frameB }}
        mode={mode}
        gain={gain}
        exposure={stops}
        channel={shownChannel}
        resolution={resolution}
        panZoom={panZoom}
      />
    </div>
  );
}

export default function CompareView({ params }: ViewProps) {
  const { query } = useLocation();
  const id = params.id!;
  const otherId = query.get('job') ?? id;
  const job = useResource(`job/${id}`, (signal) => api.job(id, { signal }));
  const other = useResource(`job/${otherId}`, (signal) => api.job(otherId, { signal }));
  const jobs = useResource('jobs/newest', (signal) => api.jobs({ limit: OFFERED }, { signal }));
  const failure = job.failure ?? other.failure;
  if (job.data && other.data) {
    const seen = (jobs.data?.items ?? []).filter((each) => each.tasks_verified > 0);
    return <Loaded job={job.data} other={otherId === id ? job.data : other.data} jobs={seen} />;
  }
  return (
    <div className={styles.waiting}>
      {failure ? <ProblemNote failure={failure} onRetry={job.reload} /> : <Skeleton height="80vh" />}
    </div>
  );
}
