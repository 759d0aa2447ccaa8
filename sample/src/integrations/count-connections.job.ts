import {
  Inject,
  Injectable,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { AuthKitConnectionsService, needsReconnect } from 'nestjs-pica-authkit';

const HOUR_MS = 3_600_000;

/** Counts the connections of all users, as the app starts and each hour. A job has no user: it must not be reachable by a route. */
@Injectable()
export class CountConnectionsJob
  implements OnApplicationBootstrap, OnApplicationShutdown
{
  private readonly stopped = new AbortController();
  private timer?: NodeJS.Timeout;

  constructor(
    @Inject(AuthKitConnectionsService)
    private readonly connections: AuthKitConnectionsService,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.run(), HOUR_MS);
    void this.run();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
    this.stopped.abort();
  }

  private async run(): Promise<void> {
    const { signal } = this.stopped;
    let count = 0;
    let broken = 0;
    try {
      for await (const connection of this.connections.scan({ signal })) {
        count += 1;
        if (needsReconnect(connection)) broken += 1;
      }
      console.log(
        `Connections of all users: ${count}, ${broken} of them broken`,
      );
    } catch {
      // The module has logged why, and the next hour comes.
    }
  }
}
