// Every view of the studio and its address. To add one: a folder in features/, a line here, a word in i18n.
import { type Route, route } from './router';

export const routes: Route[] = [
  route('/jobs', () => import('@/features/jobs/JobsView')),
  route('/jobs/:id', () => import('@/features/job/JobView')),
  route('/jobs/:id/compare', () => import('@/features/compare/CompareView')),
  route('/new', () => import('@/features/new-render/NewRenderView')),
  route('/nodes', () => import('@/features/nodes/NodesView')),
  route('/wallet', () => import('@/features/wallet/WalletView')),
  route('/chain', () => import('@/features/chain/ChainView')),
  route('/chain/blocks/:id', () => import('@/features/chain/BlockView')),
  route('/chain/transactions/:hash', () => import('@/features/chain/TransactionView')),
  route('/settings', () => import('@/features/settings/SettingsView')),
  route('/first-run', () => import('@/features/first-run/FirstRunView')),
];
