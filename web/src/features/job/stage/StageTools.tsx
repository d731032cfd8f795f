// The bar above the picture: which pane, what is drawn over it, exposure and channel, compare.
import { api } from '@/api/client';
import { useResource } from '@/api/resource';
import type { JobView } from '@/api/types';
import { useStore } from '@/app/store';
import { ExposureControl } from '@/features/picture/ExposureControl';
import { useMessages } from '@/i18n';
import { ButtonLink } from '@/ui/Button';
import { Segmented } from '@/ui/Tabs';
import type { Overlay } from '../mosaic/painter';
import type { JobScreen, Pane } from '../screen';
import styles from './JobStage.module.css';

export function StageTools({ job, screen }: { job: JobView; screen: JobScreen }) {
  const m = useMessages();
  const v = m.job.view;
  const pane = useStore(screen.pane);
  const overlay = useStore(screen.overlay);
  const frame = useStore(screen.frame);
  const channels = useResource(frame > 0 && job.settings.keep_raw ? `job/${job.id}/channels` : null, (signal) =>
    api.channels(job.id, frame, { signal }),
  );
  const film = job.outputs.some((output) => output.kind === 'film');
  const panes: { key: Pane; label: string }[] = [{ key: 'picture', label: m.job.pane.picture }];
  if (job.frame_numbers.length > 1) panes.push({ key: 'frames', label: m.job.pane.frames });
  if (film) panes.push({ key: 'film', label: m.job.pane.film });
  const overlays: { key: Overlay; label: string }[] = [
    { key: 'tasks', label: m.job.overlay.tasks },
    { key: 'nodes', label: m.job.overlay.nodes },
    { key: 'none', label: m.job.overlay.none },
  ];
  return (
    <div className={styles.tools} role="toolbar" aria-label={v.tools}>
      {panes.length > 1 && (
        <Segmented label={m.job.tabs.label} options={panes} value={pane} onChange={(key) => screen.pane.set(key)} />
      )}
      {pane === 'picture' && (
        <>
          <Segmented
            label={m.job.overlay.label}
            options={overlays}
            value={overlay}
            onChange={(key) => screen.overlay.set(key)}
          />
          {channels.data && channels.data.length > 0 && (
            <ExposureControl exposure={screen.exposure} channel={screen.channel} channels={channels.data} />
          )}
          <span className={styles.last}>
            <ButtonLink kind="quiet" icon="compare" to={`/jobs/${job.id}/compare?a=${frame}`}>
              <span className={styles.optional}>{v.compare}</span>
            </ButtonLink>
          </span>
        </>
      )}
    </div>
  );
}
