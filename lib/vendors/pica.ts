import type { Vendor } from './vendor.js';

/** Pica (picaos.com), the service of `@picahq/authkit`. Source: its documentation of February 2026. */
export const pica = {
  displayName: 'Pica',
  baseUrl: 'https://api.picaos.com',
  secretKeyEnv: 'PICA_SECRET_KEY',
  secretHeader: 'X-Pica-Secret',
  widgetOrigin: 'https://authkit.picaos.com',
  paging: 'all',
  tokenPath: '/v1/authkit',
  flagsPath: '/v1/users/flags',
  pingPath: '/v1/users/flags',
  connectorsPath: '/v1/available-connectors',
  connectionsPath: '/v1/vault/connections',
  hasActiveFilter: true,
  actionsPath: '/v1/available-actions',
  passthroughPath: '/v1/passthrough',
  connectionKeyHeader: 'X-Pica-Connection-Key',
  actionIdHeader: 'X-Pica-Action-Id',
} as const satisfies Vendor;
