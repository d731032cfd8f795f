// This machine as a provider: the switch that gives it back to the person who sits at it.
import { useState } from 'react';
import { api } from '@/api/client';
import { invalidate, replace } from '@/api/resource';
import type { NodeView } from '@/api/types';
import { useMessages } from '@/i18n';
import { CopyLine } from '@/ui/Copy';
import { Checkbox } from '@/ui/Field';
import { toast, toastFailure } from '@/ui/Toast';
import styles from './NodesView.module.css';

export function OwnNode({ node }: { node: NodeView }) {
  const m = useMessages();
  const n = m.nodes;
  const [busy, setBusy] = useState(false);
  if (!node.provides) {
    return (
      <div className={styles.own}>
        <p>{n.notProviding}</p>
        <CopyLine text="rayswarm up --provide" what={n.command} />
      </div>
    );
  }
  const change = async (paused: boolean) => {
    setBusy(true);
    try {
      const changed = await api.patchNode({ provider_paused: paused });
      replace<NodeView>('node', () => changed);
      invalidate('providers');
      toast(paused ? n.nowPaused : n.nowProviding);
    } catch (error) {
      toastFailure(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <div className={styles.own}>
      <Checkbox
        role="switch"
        label={n.provide}
        hint={
          node.provider_paused ? n.provideOff : node.provider_ready ? n.provideOn : `${n.provideOn} ${n.notReadyYet}`
        }
        checked={!node.provider_paused}
        disabled={busy}
        onChange={(event) => void change(!event.target.checked)}
      />
    </div>
  );
}
