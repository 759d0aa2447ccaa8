import { BadGatewayException, Inject, Injectable } from '@nestjs/common';
import type { ConfigType } from '@nestjs/config';
import { authKitConfig } from 'nestjs-pica-authkit';

/** A connection, as much as the page shows of it. */
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

/** Asks Pica for connections, with the same settings as the token endpoint. */
@Injectable()
export class PicaVault {
  constructor(
    @Inject(authKitConfig.KEY)
    private readonly config: ConfigType<typeof authKitConfig>,
  ) {}

  /** Those of a user: the first page, of a hundred at most. */
  async connectionsOf(userId: string): Promise<Connection[]> {
    const rows = await this.ask({
      identity: userId,
      identityType: 'user',
      limit: '100',
    });
    return (
      rows
        // Not only asked for, but checked: nobody may see another user's.
        .filter(({ identity }) => identity === userId)
        .map(({ key, name, platform, createdAt }) => ({
          key,
          name,
          platform,
          createdAt,
        }))
    );
  }

  private async ask(query: Record<string, string>) {
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
