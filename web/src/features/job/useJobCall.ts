// Calls that change a job: the answer is shown at once, a failure says what to do.
import { useState } from 'react';
import { invalidate, replace } from '@/api/resource';
import type { JobSummary, JobView } from '@/api/types';
import { toast, toastFailure } from '@/ui/Toast';
import { jobKey } from './useJob';

/** Runs a call of the API that answers the job's new summary, shows it at once and says what happened. */
export function useJobCall(job: JobView) {
  const [busy, setBusy] = useState(false);
  const run = async (call: () => Promise<JobSummary>, done: string): Promise<boolean> => {
    setBusy(true);
    try {
      const summary = await call();
      replace<JobView>(jobKey(job.id), (old) => ({ ...old, ...summary }));
      invalidate(jobKey(job.id));
      toast(done);
      return true;
    } catch (error) {
      toastFailure(error);
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { busy, run };
}
