// Exposure in stops and the channel to look at: parameters of the preview, so they need scene-linear pixels on the node.
import { useEffect, useState } from 'react';
import { type Store, useStore } from '@/app/store';
import { useMessages } from '@/i18n';
import { Select } from '@/ui/Field';
import styles from './ExposureControl.module.css';

const MOST_STOPS = 8;
const STEP = 0.25;
/** The node makes each preview anew; dragging asks for one when the hand rests. */
const REST_MS = 90;
const BEAUTY = 'Combined';

interface Props {
  exposure: Store<number>;
  channel: Store<string>;
  channels: readonly string[];
}

export function ExposureControl({ exposure, channel, channels }: Props) {
  const m = useMessages();
  const set = useStore(exposure);
  const chosen = useStore(channel);
  const [stops, setStops] = useState(set);
  useEffect(() => setStops(set), [set]);
  useEffect(() => {
    const timer = setTimeout(() => exposure.set(stops), REST_MS);
    return () => clearTimeout(timer);
  }, [stops, exposure]);
  return (
    <span className={styles.control}>
      <label className={styles.exposure} title={m.job.view.exposure}>
        <span className={styles.name}>{m.job.view.exposure}</span>
        <input
          type="range"
          min={-MOST_STOPS}
          max={MOST_STOPS}
          step={STEP}
          value={stops}
          aria-valuetext={m.job.view.stops(stops)}
          onChange={(event) => setStops(Number(event.target.value))}
          onDoubleClick={() => setStops(0)}
        />
      </label>
      <button
        type="button"
        className={styles.stops}
        title={m.job.view.exposureReset}
        disabled={stops === 0}
        onClick={() => setStops(0)}
      >
        {m.job.view.stops(stops)}
      </button>
      <span className={styles.channel}>
        <Select aria-label={m.job.view.channel} value={chosen} onChange={(event) => channel.set(event.target.value)}>
          <option value="">{m.job.view.beauty}</option>
          {channels
            .filter((name) => name !== BEAUTY)
            .map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
        </Select>
      </span>
    </span>
  );
}
