// The node that the examples speak to: $RAYSWARM_URL with $RAYSWARM_TOKEN, or the one of this machine.
import { localNode, Rayswarm } from '@rayswarm/client';

const { RAYSWARM_URL: url, RAYSWARM_TOKEN: token } = process.env;

export const connection = url ? { url, token } : await localNode();
export const node = new Rayswarm(connection);
