// What the fake node says about a job: the API's JobSummary and JobView. Development only.
import { filesOf, stepsOf } from './commands.mjs';
import { amount, nodes, now } from './world.mjs';

export function summary(job) {
  const per = job.grid[0] * job.grid[1] * job.slices;
  const started =
    job.state === 'rendering' || job.state === 'settling' || job.state === 'done' || job.state === 'failed';
  const share = job.rows.length ? job.verified / job.rows.length : 0;
  return {
    id: job.id,
    kind: job.kind ?? 'render',
    name: job.name,
    state: job.state,
    paused: job.paused,
    priority: job.priority,
    problem: job.problem,
    created_at: job.created_at,
    started_at: job.started_at,
    finished_at: job.finished_at,
    tasks: started ? job.rows.length : (job.quote?.tasks ?? 0),
    tasks_verified: job.verified,
    frames: job.frame_numbers.length,
    frames_finished: job.finished.filter((n) => n === per).length,
    progress_permille: Math.floor(share * 1000),
    eta_s: job.state === 'rendering' && !job.paused ? Math.round((1 - share) * 2400 + 5) : null,
    budget: amount(job.price),
    paid: amount(job.state === 'done' ? job.price * 0.8 : job.price * 0.8 * share),
  };
}

export function view(job) {
  const shares = new Map();
  for (const row of job.rows) {
    if (row.state !== 'verified') continue;
    const share = shares.get(row.node) ?? {
      id: row.node,
      account: '',
      tasks: 0,
      audited: 0,
      audits_rendered: 0,
      cpu_ms: 0,
      audit_cpu_ms: 0,
      paid: '0',
    };
    share.tasks += 1;
    shares.set(row.node, share);
  }
  const providers = [...shares.values()].map((share) => ({
    ...share,
    account: nodes.find((n) => n.id === share.id).account,
    audited: Math.ceil(share.tasks / 4),
    audits_rendered: Math.ceil(share.tasks / 5),
    cpu_ms: share.tasks * 41_000,
    audit_cpu_ms: share.tasks * 600,
    paid: amount((job.price * 0.8 * share.tasks) / job.rows.length),
  }));
  const s = summary(job);
  const opened = !['analysing', 'probing', 'quoted', 'funding'].includes(job.state);
  return {
    ...s,
    settings: { frames: job.frame_numbers, samples: 256, format: 'png', keep_raw: true },
    facts: job.facts,
    quote: job.quote,
    resolution: job.facts && job.resolution,
    frame_numbers: job.facts ? job.frame_numbers : [],
    attempts: job.verified + 12,
    providers,
    escrow: {
      deposited: opened ? s.budget : '0',
      paid: s.paid,
      refunded: job.state === 'done' ? amount(job.price * 0.2) : '0',
      locked:
        opened && job.state !== 'done'
          ? amount(job.price - job.price * 0.8 * (job.verified / Math.max(1, job.rows.length)))
          : '0',
    },
    settlement: {
      transactions: job.state === 'done' ? [`0x${'ab'.repeat(32)}`] : [],
      gas_used: job.state === 'done' ? 412_300 : 0,
    },
    outputs: job.kind === 'commands' ? filesOf(job) : job.outputs,
    steps: job.kind === 'commands' ? stepsOf(job) : [],
    wall_s: job.started_at ? (Date.parse(job.finished_at ?? now()) - Date.parse(job.started_at)) / 1000 : 0,
    log: job.log.map((line) => line.text),
  };
}
