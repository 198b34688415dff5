// A CDK app with a stack of two functions. Needs aws-cdk-lib and constructs.
import { App } from 'aws-cdk-lib'
import { Shop } from './shop.js'

new Shop(new App(), 'Shop')
