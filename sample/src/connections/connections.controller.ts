import { Controller, Get, Header, Inject, UseGuards } from '@nestjs/common';
import { CurrentUser } from '../auth/current-user.decorator.js';
import { SessionGuard } from '../auth/session.guard.js';
import type { SignedInUser } from '../auth/users.js';
import { ConnectionsService, type Connection } from './connections.service.js';

/** Lists the connections of the signed-in user. */
@Controller('connections')
@UseGuards(SessionGuard)
export class ConnectionsController {
  constructor(
    @Inject(ConnectionsService)
    private readonly connections: ConnectionsService,
  ) {}

  @Get()
  @Header('Cache-Control', 'no-store')
  list(@CurrentUser() user: SignedInUser): Promise<Connection[]> {
    return this.connections.list(user.id);
  }
}
