import { Controller, Get, Header, Inject, UseGuards } from '@nestjs/common';
import { CurrentUser } from '../auth/current-user.decorator.js';
import { SessionGuard } from '../auth/session.guard.js';
import type { SignedInUser } from '../auth/users.js';
import { PicaVault, type Connection } from './pica-vault.js';

/** What the signed-in user has connected. */
@Controller('connections')
@UseGuards(SessionGuard)
export class ConnectionsController {
  constructor(@Inject(PicaVault) private readonly vault: PicaVault) {}

  @Get()
  @Header('Cache-Control', 'no-store')
  list(@CurrentUser() user: SignedInUser): Promise<Connection[]> {
    return this.vault.connectionsOf(user.id);
  }
}
