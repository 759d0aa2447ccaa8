/** The versions of the peers that a fresh app installs. */
export type Peers = 'lowest' | 'newest';

/** The dimensions of the matrix, with all of their values. */
export const DIMENSIONS = {
  nest: ['10', '11', '12'],
  peers: ['lowest', 'newest'],
  platform: ['Express', 'Fastify'],
  modules: ['CommonJS', 'ESM'],
  node: ['20', '22', '24'],
} as const;

/** A dimension by its name. */
export type Dimension = keyof typeof DIMENSIONS;

type Value<Name extends Dimension> = (typeof DIMENSIONS)[Name][number];

/** What one installation serves: all platforms, kinds of modules and versions of Node. */
export interface PeerSet {
  readonly nest: Value<'nest'>;
  readonly peers: Peers;
}

/** One app of the matrix. */
export interface Combination extends PeerSet {
  readonly platform: Value<'platform'>;
  readonly modules: Value<'modules'>;
  /** A major version, or `current`: the Node of this process. */
  readonly node: Value<'node'> | 'current';
}

/** The values of some dimensions. Every other dimension keeps all of its values. */
export type Filter = { readonly [Name in Dimension]?: readonly string[] };

const VERSIONS: Record<Value<'nest'>, Record<Peers, Record<string, string>>> = {
  '10': {
    lowest: nest('10.0.0', '3.0.0', '3.0.0'),
    newest: nest('10', '4', '4'),
  },
  '11': {
    // The first version of platform-fastify whose peers are those of Nest 11.
    lowest: nest('11.0.0', '4.0.0', '4.0.0', '11.0.3'),
    newest: nest('11', '4', '4'),
  },
  '12': {
    // 12.0.0 has the peers of Nest 11.
    lowest: nest('12.0.1', '12.0.0', '12.0.0'),
    newest: nest('12', '12', '12'),
  },
};

const OTHERS: Record<Peers, Record<string, string>> = {
  lowest: {
    axios: '1.17.0',
    jose: '5.9.0',
    'reflect-metadata': '0.1.13',
    rxjs: '7.2.0',
  },
  newest: { axios: '1', jose: '6', 'reflect-metadata': '0.2', rxjs: '7' },
};

function nest(
  version: string,
  axios: string,
  config: string,
  fastify = version,
): Record<string, string> {
  return {
    '@nestjs/common': version,
    '@nestjs/core': version,
    '@nestjs/platform-express': version,
    '@nestjs/platform-fastify': fastify,
    '@nestjs/axios': axios,
    '@nestjs/config': config,
  };
}

/** The packages that an app installs beside the library. */
export function packagesOf({ nest, peers }: PeerSet): string[] {
  const versions = { ...VERSIONS[nest][peers], ...OTHERS[peers] };
  return Object.entries(versions).map(
    ([name, version]) => `${name}@${version}`,
  );
}

/** The version of Node that a combination runs on: the lowest supported one with the lowest peers. */
export function nodeVersionOf({ node, peers }: Combination): string {
  const lowest = { '20': '20.19.0', '22': '22.12.0', '24': '24.0.0' };
  return peers === 'lowest' && node !== 'current' ? lowest[node] : node;
}

/** The combinations that a filter leaves, those of one installation together. */
export function combinationsOf(filter: Filter): Combination[] {
  let combinations: Record<string, string>[] = [{}];
  for (const [name, all] of Object.entries(DIMENSIONS)) {
    const values: readonly string[] = filter[name as Dimension] ?? all;
    combinations = combinations.flatMap((each) =>
      values.map((value) => ({ ...each, [name]: value })),
    );
  }
  return combinations as unknown as Combination[];
}
