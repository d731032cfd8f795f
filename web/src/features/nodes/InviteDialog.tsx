// How another machine joins: a ticket with this node's address, and the command that uses it.
import { api } from '@/api/client';
import { useResource } from '@/api/resource';
import { useMessages } from '@/i18n';
import { Button } from '@/ui/Button';
import { CopyLine } from '@/ui/Copy';
import { Dialog } from '@/ui/Dialog';
import { ProblemNote, Skeleton } from '@/ui/Notes';

export function InviteDialog({ onClose }: { onClose: () => void }) {
  const m = useMessages();
  const n = m.nodes;
  const { data, failure, reload } = useResource('invite', (signal) => api.invite({ signal }));
  return (
    <Dialog title={n.inviteTitle} onClose={onClose} actions={<Button onClick={onClose}>{m.common.close}</Button>}>
      <p>{n.inviteText}</p>
      {failure && <ProblemNote failure={failure} onRetry={reload} />}
      {!data && !failure && <Skeleton height={90} />}
      {data && (
        <>
          <CopyLine text={`rayswarm up --provide --join ${data.ticket}`} what={n.command} />
          <p>{n.ticketAlone}</p>
          <CopyLine text={data.ticket} what={n.ticket} />
        </>
      )}
    </Dialog>
  );
}
