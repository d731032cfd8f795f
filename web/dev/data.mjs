// What else the fake node knows: wallet, chain, tokens, webhooks, itself. Development only.
import { jobs } from './farm.mjs';
import { amount, nodes, random } from './world.mjs';

const hash = (text) => `0x${Buffer.from(text).toString('hex').padEnd(64, '7').slice(0, 64)}`;
const STARTED = Date.now();
const GENESIS = Date.now() - 4000 * 2000;
let drops = 0;

export const settings = { provider_paused: false, price_per_wu_hour: amount(0.04) };

export function node() {
  return {
    id: nodes[0].id,
    version: '0.2.0',
    provides: true,
    provider_ready: true,
    provider_paused: settings.provider_paused,
    chain_id: 7_777,
    rpc: 'http://127.0.0.1:3000/rpc',
    active_jobs: [...jobs.values()].filter((job) => job.state === 'rendering').length,
    uptime_s: Math.round((Date.now() - STARTED) / 1000) + 90_000,
    engines: [
      { name: 'blender', version: '4.5.15' },
      { name: 'povray', version: '3.7.0' },
    ],
    sandbox: 'bubblewrap 0.8.0',
    loopback: true,
    settings: {
      price_per_wu_hour: settings.price_per_wu_hour,
      threads: 16,
      memory_bytes: 32 * 2 ** 30,
      cache_bytes: 50 * 2 ** 30,
      http: '127.0.0.1:3000',
    },
  };
}

export function wallet() {
  return {
    account: nodes[0].account,
    tokens: amount(812.5 + drops * 100),
    native: amount(9.998),
    token_decimals: 18,
    token_symbol: 'RAY',
    chain_id: 7_777,
    rpc: 'http://127.0.0.1:3000/rpc',
    token: hash('token').slice(0, 42),
    escrow: hash('escrow').slice(0, 42),
    registry: hash('registry').slice(0, 42),
    faucet: true,
    locked: amount(61.4),
    vouchers: [...jobs.keys()].slice(0, 5).map((job, i) => ({
      job,
      cumulative: amount(0.4 + i),
      deadline: new Date(Date.now() + 86_400_000 * (i + 1)).toISOString(),
    })),
  };
}
export const drop = () => {
  drops += 1;
};

const KINDS = ['opened', 'paid', 'refunded', 'earned'];
export const history = Array.from({ length: 240 }, (_, i) => ({
  at: new Date(Date.now() - i * 5_400_000).toISOString(),
  kind: KINDS[i % 4],
  job: `job_${(i * 7919).toString(16).padStart(20, '0')}`,
  amount: amount(0.1 + random() * 12),
  transaction: hash(`tx${i}`),
  block: 4000 - i * 3,
}));

export const height = () => Math.floor((Date.now() - GENESIS) / 2000);
export function chain() {
  const top = height();
  return {
    chain_id: 7_777,
    consensus: 'solo',
    height: top,
    finalized: top,
    block_time_s: 2,
    validators: [{ account: nodes[0].account, weight: '1', blocks: top }],
  };
}
export function block(number) {
  const full = number % 5 === 0;
  return {
    number,
    hash: hash(`block${number}`),
    parent: hash(`block${number - 1}`),
    at: new Date(GENESIS + number * 2000).toISOString(),
    transactions: full ? [hash(`tx${number}`), hash(`tz${number}`)] : [],
    gas_used: full ? 412_300 : 0,
    gas_limit: 30_000_000,
    proposer: nodes[0].account,
    bytes: full ? 1840 : 612,
  };
}
/** By number or hash; null for what is not there. */
export function findBlock(id) {
  const text = Buffer.from(id.replace(/^0x/, ''), 'hex').toString();
  const number = Number(id.startsWith('0x') ? (/^block(\d+?)w*$/.exec(text)?.[1] ?? Number.NaN) : id);
  return Number.isInteger(number) && number >= 0 && number <= height() ? block(number) : null;
}
export function transaction(id) {
  // Hashes here are words in hexadecimal; `tx` and `tz` begin those of transactions, `abab` the settlements of jobs.
  if (!/^0x(7478|747a|abab)/.test(id)) return null;
  return {
    hash: id,
    block: 3995,
    from: nodes[0].account,
    to: hash('escrow').slice(0, 42),
    value: '0',
    gas_used: 206_150,
    ok: true,
    method: 'settle',
    events: [
      { name: 'VoucherPaid', text: 'job 0x4f1c… paid 1.204 RAY to 0x9a02…' },
      { name: 'JobSettled', text: 'job 0x4f1c… refunded 0.8 RAY' },
    ],
  };
}

export const tokens = [
  {
    id: 'tok_studio',
    name: 'studio',
    scopes: ['read', 'jobs', 'spend', 'node', 'tokens'],
    created_at: new Date(STARTED - 864e5).toISOString(),
    last_used_at: new Date().toISOString(),
    expires_at: null,
  },
  {
    id: 'tok_blender',
    name: 'Blender extension',
    scopes: ['read', 'jobs', 'spend', 'paths'],
    created_at: new Date(STARTED - 4e8).toISOString(),
    last_used_at: null,
    expires_at: new Date(STARTED + 3e9).toISOString(),
  },
];
export const webhooks = [
  {
    id: 'hook_1',
    url: 'https://studio.example/hooks/render',
    events: ['job'],
    created_at: new Date(STARTED - 2e8).toISOString(),
    last_status: 204,
    failures: 0,
  },
];
