// The embedded chain as viem sees it, run by rayswarm-node's tests: node viem.mjs RPC_URL KEY TOKEN RECIPIENT.
// KEY's account has coins and tokens. The last line on stdout is what viem saw, for the test to compare.
import assert from "node:assert/strict";
import { createPublicClient, createWalletClient, defineChain, erc20Abi, http, webSocket } from "viem";
import { privateKeyToAccount } from "viem/accounts";

const [rpcUrl, key, token, recipient] = process.argv.slice(2);
const account = privateKeyToAccount(key);
const plain = createPublicClient({ transport: http(rpcUrl) });
const chain = defineChain({
  id: await plain.getChainId(),
  name: "rayswarm",
  nativeCurrency: { name: "Coin", symbol: "COIN", decimals: 18 },
  rpcUrls: { default: { http: [rpcUrl] } },
});
const reader = createPublicClient({ chain, transport: http(rpcUrl), pollingInterval: 20 });
const wallet = createWalletClient({ account, chain, transport: http(rpcUrl) });

const mined = async (hash) => {
  const receipt = await reader.waitForTransactionReceipt({ hash });
  assert.equal(receipt.status, "success");
  return receipt;
};
const pay = (value) => wallet.sendTransaction({ to: recipient, value });

// Blocks and accounts.
const before = await reader.getBlock();
assert.equal((await reader.getBlock({ blockHash: before.hash })).number, before.number);
const [coins, nonce] = await Promise.all([
  reader.getBalance({ address: account.address }),
  reader.getTransactionCount({ address: account.address }),
]);
assert.ok(coins > 0n);

// A transfer, with everything but its value left to viem: nonce, gas and fees.
const transfer = await mined(await pay(3n));
const sent = await reader.getTransaction({ hash: transfer.transactionHash });
assert.deepEqual([sent.nonce, sent.value, sent.type], [nonce, 3n, "eip1559"]);
const spent = 3n + transfer.gasUsed * transfer.effectiveGasPrice;
assert.equal(await reader.getBalance({ address: account.address }), coins - spent);

// A contract: simulated, called, heard of.
const call = { address: token, abi: erc20Abi, functionName: "transfer", args: [recipient, 5n] };
const { request } = await reader.simulateContract({ ...call, account });
const moved = await mined(await wallet.writeContract(request));
const held = await reader.readContract({ address: token, abi: erc20Abi, functionName: "balanceOf", args: [recipient] });
const event = erc20Abi.find((item) => item.type === "event" && item.name === "Transfer");
const logs = await reader.getLogs({ address: token, event, args: { to: recipient }, fromBlock: 0n });
assert.deepEqual(logs.map((log) => [log.transactionHash, log.args.value]), [[moved.transactionHash, 5n]]);
await assert.rejects(
  reader.simulateContract({ ...call, account: recipient, args: [account.address, 6n] }),
  /ERC20InsufficientBalance|0xe450d38c/,
);

// Watching by polling. The first block it tells of is the head, which says that it watches.
const watched = await new Promise((resolve, reject) => {
  const stop = reader.watchBlocks({
    onBlock: (block, previous) => {
      if (previous === undefined) return void pay(1n).catch(reject);
      stop();
      resolve(block);
    },
    onError: reject,
  });
});
assert.ok(watched.number > moved.blockNumber);

// Waiting transactions, by filter and by subscription.
const filter = await reader.createPendingTransactionFilter();
const socket = createPublicClient({ chain, transport: webSocket(rpcUrl.replace("http", "ws")) });
const { promise: heard, resolve: hear, reject: fail } = (() => {
  const ends = {};
  ends.promise = new Promise((resolve, reject) => Object.assign(ends, { resolve, reject }));
  return ends;
})();
const { unsubscribe } = await socket.transport.subscribe({
  params: ["newPendingTransactions"],
  onData: (data) => hear(data.result),
  onError: fail,
});
const last = await pay(1n);
assert.equal(await heard, last);
assert.deepEqual(await reader.getFilterChanges({ filter }), [last]);
await unsubscribe();
await mined(last);
(await socket.transport.getRpcClient()).close();

console.log(JSON.stringify({ chainId: chain.id, account: account.address, held: String(held), blocks: Number(before.number), last }));
