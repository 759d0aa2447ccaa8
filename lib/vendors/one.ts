import type { Vendor } from './vendor.js';

/** One (withone.ai), Pica's name since March 2026. Source: its OpenAPI document 5.35.0. */
export const one = {
  displayName: 'One',
  baseUrl: 'https://api.withone.ai',
  secretKeyEnv: 'ONE_SECRET_KEY',
  secretHeader: 'X-One-Secret',
  scopeHeaders: {
    organizationId: 'X-One-Organization-Id',
    projectId: 'X-One-Project-Id',
  },
  widgetOrigin: 'https://auth.withone.ai',
  paging: 'forward',
  tokenPath: '/v1/authkit/token',
  whoamiPath: '/v1/users/whoami',
  pingPath: '/v1/users/whoami',
  connectorsPath: '/v1/available-connectors',
  connectionsPath: '/v1/vault/connections',
  hasActiveFilter: false,
  actionsPath: '/v1/available-actions',
  passthroughPath: '/v1/passthrough',
  connectionKeyHeader: 'X-One-Connection-Key',
  actionIdHeader: 'X-One-Action-Id',
} as const satisfies Vendor;
