import { IsNotEmpty, IsString } from 'class-validator';

/** The body of `POST /auth/sign-in`. */
export class SignInDto {
  @IsString()
  @IsNotEmpty()
  name!: string;
}
