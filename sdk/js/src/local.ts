// The node of this machine (Node.js): where it answers and its token, as its data folder says.
import { environment, joined, readText } from './disk.js';

/** `$RAYSWARM_DATA`, `$XDG_DATA_HOME/rayswarm/node` or `~/.local/share/rayswarm/node`, as the node itself chooses. */
function dataFolder(): string {
  const [own, shared, home] = [environment('RAYSWARM_DATA'), environment('XDG_DATA_HOME'), environment('HOME')];
  if (own) return own;
  if (shared) return joined(shared, 'rayswarm/node');
  if (home) return joined(home, '.local/share/rayswarm/node');
  throw new Error('there is no HOME; name the data folder of the node');
}

/**
 * What `new Rayswarm(…)` takes: `new Rayswarm(await localNode())`. The token is the node's own and opens everything.
 */
export async function localNode(folder = dataFolder()): Promise<{ url: string; token: string }> {
  try {
    const { http } = JSON.parse(await readText(joined(folder, 'daemon.json'))) as { http: string };
    return { url: `http://${http}`, token: (await readText(joined(folder, 'token'))).trim() };
  } catch (cause) {
    throw new Error(`no node runs with the data folder ${folder}; start one with \`rayswarm up\``, { cause });
  }
}
