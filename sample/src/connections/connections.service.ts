import { BadGatewayException, Inject, Injectable } from '@nestjs/common';
import type { ConfigType } from '@nestjs/config';
import { authKitConfig } from 'nestjs-pica-authkit';

/** The fields of a connection that the page shows. */
export interface Connection {
  key: string;
  name: string;
  platform: string;
  createdAt: number;
}

const APIS = {
  pica: { baseUrl: 'https://api.picaos.com', secretHeader: 'X-Pica-Secret' },
  one: { baseUrl: 'https://api.withone.ai', secretHeader: 'X-One-Secret' },
};

/** Fetches connections from Pica, with the same settings as the token endpoint. */
@Injectable()
export class ConnectionsService {
  constructor(
    @Inject(authKitConfig.KEY)
    private readonly config: ConfigType<typeof authKitConfig>,
  ) {}

  /** Returns the first page of a user's connections, up to 100. */
  async list(userId: string): Promise<Connection[]> {
    const rows = await this.fetchRows({
      identity: userId,
      identityType: 'user',
      limit: '100',
    });
    return (
      rows
        // Does not rely on the query alone: a user must never see another user's connections.
        .filter(({ identity }) => identity === userId)
        .map(({ key, name, platform, createdAt }) => ({
          key,
          name,
          platform,
          createdAt,
        }))
    );
  }

  private async fetchRows(query: Record<string, string>) {
    const { vendor = 'pica', secretKey, baseUrl } = this.config;
    const api = APIS[vendor];
    const url = `${baseUrl ?? api.baseUrl}/v1/vault/connections?${new URLSearchParams(query)}`;
    try {
      const response = await fetch(url, {
        headers: { [api.secretHeader]: String(secretKey) },
        redirect: 'error',
        signal: AbortSignal.timeout(10_000),
      });
      if (!response.ok) throw new Error(`status ${response.status}`);
      const { rows } = (await response.json()) as {
        rows: (Connection & { identity?: string })[];
      };
      return rows;
    } catch {
      throw new BadGatewayException(
        'Your connections cannot be listed right now.',
      );
    }
  }
}
