// The payment token's symbol and decimals, needed wherever money is shown. Read once a session, remembered, so that amounts
// never change their look while the page loads.
import { api } from '@/api/client';
import { session } from './session';
import { createStore, remembered, useStore } from './store';

export interface TokenInfo {
  symbol: string;
  decimals: number;
}

function stored(): TokenInfo {
  try {
    const value = JSON.parse(remembered.read('payment-token') ?? '') as TokenInfo;
    if (typeof value.symbol === 'string' && Number.isInteger(value.decimals)) return value;
  } catch {
    // Nothing remembered yet.
  }
  return { symbol: 'RAY', decimals: 18 };
}

const token = createStore<TokenInfo>(stored());

export function useToken(): TokenInfo {
  return useStore(token);
}

async function load(): Promise<void> {
  if (session.get().state !== 'signed_in') return;
  try {
    const wallet = await api.wallet();
    const info = { symbol: wallet.token_symbol, decimals: wallet.token_decimals };
    if (info.symbol === token.get().symbol && info.decimals === token.get().decimals) return;
    remembered.write('payment-token', JSON.stringify(info));
    token.set(info);
  } catch {
    // Offline, or a token without the right to see the wallet: amounts keep the default look.
  }
}

/** Called once by the app. Whoever signs in later may be at another node, with another token. */
export function startToken(): void {
  session.subscribe(() => void load());
  void load();
}
