// Goplayer plays a scenario's participants with the AWS SDK for Go v2. It reads
// requests and writes replies and events, one JSON text a line; see package compat.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/connect"
	"github.com/aws/aws-sdk-go-v2/service/connectparticipant"
	cptypes "github.com/aws/aws-sdk-go-v2/service/connectparticipant/types"
	"github.com/aws/smithy-go"
)

// request is a line from the scenario: who does what.
type request struct {
	ID  int             `json:"id"`
	Do  string          `json:"do"`
	Who string          `json:"who"`
	In  json.RawMessage `json:"in"`
}

// failure is how a call failed, as the SDK told it.
type failure struct {
	Type    string `json:"type"`
	Message string `json:"message"`
	Status  int    `json:"status,omitempty"`
}

// player holds the SDK's clients and the participants' connections.
type player struct {
	desk   *connect.Client
	chat   *connectparticipant.Client
	people map[string]*session

	mu  sync.Mutex // guards out
	out *json.Encoder
}

func main() {
	ctx := context.Background()
	// Endpoints, region and access key come from the environment, as documented.
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	p := &player{
		desk:   connect.NewFromConfig(cfg),
		chat:   connectparticipant.NewFromConfig(cfg),
		people: make(map[string]*session),
		out:    json.NewEncoder(os.Stdout),
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r request
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			log.Fatal(err)
		}
		p.reply(r.ID, p.do(ctx, &r))
	}
}

// say writes one line.
func (p *player) say(line map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.out.Encode(line); err != nil {
		log.Fatal(err)
	}
}

// reply answers a request; result is an output of the SDK or an error.
func (p *player) reply(id int, result any) {
	if err, failed := result.(error); failed {
		p.say(map[string]any{"id": id, "error": describe(err)})
		return
	}
	p.say(map[string]any{"id": id, "ok": result})
}

// describe names an error by the SDK's own type for it.
func describe(err error) failure {
	f := failure{Type: fmt.Sprintf("%T", err), Message: err.Error()}
	var modelled smithy.APIError
	if errors.As(err, &modelled) {
		f.Type = strings.TrimPrefix(fmt.Sprintf("%T", modelled), "*types.")
		f.Message = modelled.ErrorMessage()
	}
	var response *awshttp.ResponseError
	if errors.As(err, &response) {
		f.Status = response.HTTPStatusCode()
	}
	return f
}

// do carries out a request.
func (p *player) do(ctx context.Context, r *request) any {
	switch r.Do {
	case "connect":
		return p.connect(ctx, r)
	case "reconnect":
		return p.reconnect(ctx, r.Who)
	case "forget":
		return p.forget()
	case "upload":
		return p.upload(ctx, r)
	case "download":
		return p.download(ctx, r)
	}
	return p.call(ctx, r.Do, r.Who, r.In)
}

// connect gives a participant a new connection and socket, closing the old one: what
// loading a page anew does.
func (p *player) connect(ctx context.Context, r *request) any {
	var in connectparticipant.CreateParticipantConnectionInput
	if err := json.Unmarshal(r.In, &in); err != nil {
		return err
	}
	in.Type = []cptypes.ConnectionType{cptypes.ConnectionTypeWebsocket, cptypes.ConnectionTypeConnectionCredentials}
	if old := p.people[r.Who]; old != nil {
		old.close()
	}
	return p.open(ctx, r.Who, &in)
}

// reconnect waits for the loss of the socket, and connects again as before.
func (p *player) reconnect(ctx context.Context, who string) any {
	s := p.people[who]
	<-s.lost
	return p.open(ctx, who, s.in)
}

func (p *player) open(ctx context.Context, who string, in *connectparticipant.CreateParticipantConnectionInput) any {
	out, err := p.chat.CreateParticipantConnection(ctx, in)
	if err != nil {
		return err
	}
	s, err := dial(aws.ToString(out.Websocket.Url), func(item json.RawMessage) {
		p.say(map[string]any{"event": "item", "who": who, "item": item})
	})
	if err != nil {
		return err
	}
	s.in, s.token = in, aws.ToString(out.ConnectionCredentials.ConnectionToken)
	p.people[who] = s
	return struct{}{}
}

// forget closes every socket.
func (p *player) forget() any {
	for _, s := range p.people {
		s.close()
	}
	clear(p.people)
	return struct{}{}
}
