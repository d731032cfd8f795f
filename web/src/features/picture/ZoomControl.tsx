// Zoom buttons and the zoom in per cent of actual pixels; a click on the number shows actual pixels.
import { useEffect, useState } from 'react';
import { useMessages } from '@/i18n';
import { IconButton } from '@/ui/Button';
import type { PanZoom } from './PanZoom';
import styles from './ZoomControl.module.css';

const STEP = 1.5;
/** Wheel zooming changes the number faster than it can be read. */
const READ_EVERY_MS = 100;

function useZoom(panZoom: PanZoom): number {
  const [percent, setPercent] = useState(0);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const read = () => {
      timer = undefined;
      setPercent(Math.round(panZoom.view.scale * 100));
    };
    read();
    const stop = panZoom.onChange(() => {
      timer ??= setTimeout(read, READ_EVERY_MS);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [panZoom]);
  return percent;
}

export function ZoomControl({ panZoom }: { panZoom: PanZoom }) {
  const v = useMessages().job.view;
  const zoom = useZoom(panZoom);
  return (
    <span className={styles.zoom}>
      <IconButton icon="dash" label={v.zoomOut} onClick={() => panZoom.zoom(1 / STEP)} />
      <button type="button" className={styles.percent} title={v.actual} onClick={() => panZoom.actualSize()}>
        {zoom} %
      </button>
      <IconButton icon="add" label={v.zoomIn} onClick={() => panZoom.zoom(STEP)} />
      <IconButton icon="fit" label={v.fit} onClick={() => panZoom.fit()} />
    </span>
  );
}
