// All jobs, newest first: filter by state, search, live rows. The address keeps filter and search, so a list can be shared.
import { useEffect, useState } from 'react';
import type { JobSummary } from '@/api/types';
import { setQuery, useLocation } from '@/app/router';
import { useStore } from '@/app/store';
import { useMessages } from '@/i18n';
import { ButtonLink } from '@/ui/Button';
import { Field, Input } from '@/ui/Field';
import { EmptyState, ProblemNote, Skeleton } from '@/ui/Notes';
import { Page } from '@/ui/Page';
import { Segmented } from '@/ui/Tabs';
import { VirtualList } from '@/ui/VirtualList';
import { SHOWN, type Show } from './filter';
import { JobRow, ROW_HEIGHT, ROW_HEIGHT_NARROW } from './JobRow';
import styles from './JobsView.module.css';
import { jobList } from './jobList';

const SEARCH_AFTER_MS = 200;
const narrow = window.matchMedia('(max-width: 640px)');

function useNarrow(): boolean {
  const [is, setIs] = useState(narrow.matches);
  useEffect(() => {
    const listen = () => setIs(narrow.matches);
    narrow.addEventListener('change', listen);
    return () => narrow.removeEventListener('change', listen);
  }, []);
  return is;
}

function Search({ text }: { text: string }) {
  const m = useMessages();
  const [typed, setTyped] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setQuery({ q: typed }), SEARCH_AFTER_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  return (
    <div className={styles.search}>
      <Field label={m.jobs.search} hideLabel>
        {(ids) => (
          <Input
            {...ids}
            type="search"
            placeholder={m.jobs.search}
            value={typed}
            onChange={(e) => setTyped(e.target.value)}
          />
        )}
      </Field>
    </div>
  );
}

const rowKey = (job: JobSummary) => job.id;
const renderRow = (job: JobSummary) => <JobRow job={job} />;

function Rows({ show, text }: { show: Show; text: string }) {
  const m = useMessages();
  const [list] = useState(() => jobList({ show, text }));
  const { jobs, loading, complete, failure } = useStore(list.store);
  const rowHeight = useNarrow() ? ROW_HEIGHT_NARROW : ROW_HEIGHT;

  if (jobs.length === 0 && failure) return <ProblemNote failure={failure} onRetry={list.again} />;
  if (jobs.length === 0 && loading) return <Skeleton lines={8} height={rowHeight - 8} />;
  if (jobs.length === 0) {
    const any = show === 'all' && text === '';
    return (
      <EmptyState
        icon={any ? 'picture' : 'search'}
        title={any ? m.jobs.empty : m.jobs.noneFit}
        action={
          any && (
            <ButtonLink kind="primary" icon="add" to="/new">
              {m.shell.newRender}
            </ButtonLink>
          )
        }
      >
        {any ? m.jobs.emptyDetail : m.jobs.noneFitDetail}
      </EmptyState>
    );
  }
  return (
    <>
      <VirtualList
        label={m.shell.jobs}
        rows={jobs}
        rowHeight={rowHeight}
        rowKey={rowKey}
        renderRow={renderRow}
        onNearEnd={list.more}
        total={complete ? jobs.length : -1}
      />
      {failure && <ProblemNote failure={failure} onRetry={list.again} />}
      {loading && <Skeleton lines={2} height={rowHeight - 8} />}
    </>
  );
}

export default function JobsView() {
  const m = useMessages();
  const { query } = useLocation();
  const wanted = query.get('show') ?? 'all';
  const show: Show = wanted in SHOWN ? (wanted as Show) : 'all';
  const text = query.get('q') ?? '';
  const options = (Object.keys(SHOWN) as Show[]).map((key) => ({ key, label: m.jobs.show[key] }));
  return (
    <Page
      title={m.shell.jobs}
      actions={
        <ButtonLink kind="primary" icon="add" to="/new">
          {m.shell.newRender}
        </ButtonLink>
      }
    >
      <div className={styles.tools}>
        <div className={styles.filter}>
          <Segmented
            label={m.jobs.filter}
            options={options}
            value={show}
            onChange={(key) => setQuery({ show: key === 'all' ? null : key })}
          />
        </div>
        <Search text={text} />
      </div>
      <div className={styles.list}>
        {/* Another filter is another list. */}
        <Rows key={`${show}/${text}`} show={show} text={text} />
      </div>
    </Page>
  );
}
