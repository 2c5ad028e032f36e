#!/usr/bin/perl
# Mail::DKIM's verdict on each DKIM signature of some messages.
#
# Usage: mail_dkim.pl <DNS address:port> <message file>...
# Prints one JSON line a message: [{"domain", "selector", "algorithm", "result", "detail"}, ...], top signature first.
use strict;
use warnings;

use JSON::PP;
use Mail::DKIM::DNS;
use Mail::DKIM::Verifier;
use Net::DNS::Resolver;

my ( $server, @files ) = @ARGV;
my ( $host, $port ) = $server =~ /\A(.+):(\d+)\z/ or die "expected address:port, found $server\n";
Mail::DKIM::DNS::resolver( Net::DNS::Resolver->new( nameservers => [$host], port => $port, udppacketsize => 4096, udp_timeout => 5, tcp_timeout => 5, searchlist => [] ) );

for my $file (@files) {
    open my $message, '<:raw', $file or die "cannot open $file: $!\n";
    my $verifier = Mail::DKIM::Verifier->new();
    {
        local $/ = undef;
        $verifier->PRINT(<$message>);
    }
    $verifier->CLOSE;
    close $message;
    my @verdicts;
    for my $signature ( $verifier->signatures ) {
        push @verdicts,
          {
            domain    => $signature->domain,
            selector  => $signature->selector,
            algorithm => $signature->algorithm,
            result    => $signature->result,
            detail    => $signature->result_detail,
          };
    }
    print JSON::PP->new->canonical->encode( \@verdicts ), "\n";
}
