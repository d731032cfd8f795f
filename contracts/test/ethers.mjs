// The embedded chain as ethers sees it, run by rayswarm-node's tests: node ethers.mjs RPC_URL KEY RECIPIENT.
// KEY's account has coins. The last line on stdout is what ethers saw, for the test to compare.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { Contract, ContractFactory, JsonRpcProvider, WebSocketProvider, Wallet, isError } from "ethers";

const [rpcUrl, key, recipient] = process.argv.slice(2);
const reader = new JsonRpcProvider(rpcUrl, undefined, { cacheTimeout: -1 });
reader.pollingInterval = 20;
const wallet = new Wallet(key, reader);
const artifact = JSON.parse(await readFile(new URL("../artifacts/DevToken.json", import.meta.url), "utf8"));

// What a wallet shows first.
const { chainId } = await reader.getNetwork();
const fees = await reader.getFeeData();
assert.ok(fees.maxFeePerGas >= fees.maxPriorityFeePerGas);
const coins = await reader.getBalance(wallet.address);
assert.ok(coins > 0n);

// A contract: deployed, called, refused, heard of.
const factory = new ContractFactory(artifact.abi, artifact.bytecode.object ?? artifact.bytecode, wallet);
const token = await (await factory.deploy()).waitForDeployment();
const address = await token.getAddress();
assert.notEqual(await reader.getCode(address), "0x");
await (await token.mint(wallet.address, 1_000n)).wait();
const moved = await (await token.transfer(recipient, 300n)).wait();
assert.equal(moved.status, 1);
assert.equal(await token.balanceOf(recipient), 300n);
const [event] = await token.queryFilter(token.filters.Transfer(null, recipient), 0);
assert.deepEqual([event.transactionHash, event.args.value], [moved.hash, 300n]);
await assert.rejects(token.transfer.staticCall(recipient, 701n), (error) => {
  // The reason travels in error.data, where the contract's ABI names it.
  return isError(error, "CALL_EXCEPTION") && error.revert?.name === "ERC20InsufficientBalance";
});

// A transaction of each type, with nonce and gas left to ethers.
const block = await reader.getBlock(moved.blockHash, true);
assert.ok(block.prefetchedTransactions.some((transaction) => transaction.hash === moved.hash));
const price = (await reader.getFeeData()).gasPrice;
for (const how of [{ type: 0, gasPrice: price }, { type: 1, gasPrice: price, accessList: [] }, { type: 2 }]) {
  const receipt = await (await wallet.sendTransaction({ to: recipient, value: 1n, ...how })).wait();
  assert.deepEqual([receipt.status, receipt.type], [1, how.type]);
}
await assert.rejects(
  wallet.sendTransaction({ to: recipient, value: coins * 2n, gasLimit: 21_000n }),
  (error) => isError(error, "INSUFFICIENT_FUNDS"),
);

// Events by filter, events and blocks by subscription. Each begins to listen at its own time, so transfers go on until all
// have heard of one.
const socket = new WebSocketProvider(rpcUrl.replace("http", "ws"));
const subscribed = new Contract(address, artifact.abi, socket);
const heard = new Map();
await token.on(token.filters.Transfer(null, recipient), ({ args }) => heard.set("filter", args.value));
await subscribed.on("Transfer", (from, to, value) => heard.set("subscription", value));
await socket.on("block", (number) => heard.set("blocks", number));
let last;
while (heard.size < 3) last = await (await token.transfer(recipient, 5n)).wait();
assert.deepEqual([heard.get("filter"), heard.get("subscription")], [5n, 5n]);
assert.ok(heard.get("blocks") > moved.blockNumber);
const finalized = await reader.getBlock("finalized");
assert.ok(finalized.number <= (await reader.getBlock("latest")).number);

const saw = { chainId: Number(chainId), account: wallet.address, token: address, last: last.hash };
// Its sockets and timers would keep the process.
process.stdout.write(`${JSON.stringify(saw)}\n`, () => process.exit(0));
