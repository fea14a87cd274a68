"""Amazon Bedrock for turnout: the Converse protocol."""

from turnout_bedrock._provider import AwsToken, Bedrock, BedrockOptions

__all__ = ["AwsToken", "Bedrock", "BedrockOptions"]
