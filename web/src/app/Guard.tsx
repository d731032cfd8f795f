// Keeps a failure of one view from taking the studio down; shows what happened and a way on.
import { Component, type ReactNode } from 'react';
import { messages } from '@/i18n';
import { Button } from '@/ui/Button';
import { EmptyState } from '@/ui/Notes';

export class Guard extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: unknown) {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    const m = messages();
    return (
      <EmptyState
        icon="alert"
        title={m.shell.crashed}
        action={<Button onClick={() => location.reload()}>{m.shell.reload}</Button>}
      >
        <p>{m.shell.crashedDetail}</p>
        <p>
          <code>{error.message}</code>
        </p>
      </EmptyState>
    );
  }
}
